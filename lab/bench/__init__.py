"""How this service compares with what others would write: `python -m lab.bench`, or `make bench`."""
