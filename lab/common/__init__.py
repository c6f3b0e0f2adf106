"""What benchmark, chaos and tests share."""
