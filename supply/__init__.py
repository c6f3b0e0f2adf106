"""Looks after what the service is built from: `python -m supply.audit` asks for known holes."""
