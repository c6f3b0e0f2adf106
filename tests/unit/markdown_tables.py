"""What a page in Markdown shows in tables."""

from __future__ import annotations

import re


def tables(page: str) -> list[list[str]]:
    """Each as its lines."""
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)]


def assert_rows_fit_headers(page: str, count: int) -> None:
    """So many tables there are, and each row has as many cells as its header."""
    found = tables(page)
    assert len(found) == count
    for header, *rows in found:
        assert {row.count("|") for row in rows} == {header.count("|")}
