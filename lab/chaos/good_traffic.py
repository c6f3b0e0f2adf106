"""What ordinary clients send, and how much of it the gateway lets one address send."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.bench.work import PREDICT_1, UPLOAD

_TRAFFIC = (UPLOAD, UPLOAD, UPLOAD, PREDICT_1)

# Good traffic all comes from one address here; its rate is not what is tested.
UNLIMITED = "100000"


def good_requests(bodies: Mapping[str, Path]) -> list[tuple[str, str]]:
    """(path, file with the body) of each request, to be sent in turn."""
    return [(work.path, str(bodies[work.name])) for work in _TRAFFIC]
