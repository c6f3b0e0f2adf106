"""What the service survives: `python -m lab.chaos`, or `make chaos`."""
