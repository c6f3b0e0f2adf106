"""The Server-Timing header (W3C, "Server Timing"): what a server says of its own stages."""

from __future__ import annotations


def parse_server_timing(header: str) -> dict[str, float]:
    """Milliseconds by name, in the header's order; entries without a duration are left out.

    Args:
        header: such as `queue;dur=1.2, parse;dur=0.5`; empty where there was none.
    """
    stages: dict[str, float] = {}
    for entry in header.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "dur":
                try:
                    stages[name] = float(value.strip().strip('"'))
                except ValueError:
                    continue
    return stages
