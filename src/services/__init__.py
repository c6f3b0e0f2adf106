"""What the service does. Knows nothing of HTTP."""
