"""What the service survives: `python -m chaos`, or `make chaos`."""
