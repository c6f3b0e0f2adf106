"""How this service compares with what others would write: `python -m benchmarks`, or `make bench`."""
