from __future__ import annotations

import pytest

from lab.bench.server_timing import parse_server_timing


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}),
        ("queue;dur=1.2, parse;dur=0.5", {"queue": 1.2, "parse": 0.5}),
        ('infer;desc="the network";dur=12', {"infer": 12.0}),
        ('detect; DUR="3.5"', {"detect": 3.5}),
        ("cache, miss;dur=soon, decode;dur=4", {"decode": 4.0}),
    ],
)
def test_it_gives_milliseconds_by_name(header: str, expected: dict[str, float]) -> None:
    assert parse_server_timing(header) == expected
