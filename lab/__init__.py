"""What tries the service from outside: how fast it is, and what breaks it."""
