"""The line says how far and how long."""

from __future__ import annotations

import io

from src.training.progress import Progress


def test_the_last_step_is_always_told() -> None:
    out = io.StringIO()
    progress = Progress("bake", 3, out)
    for _ in range(3):
        progress.advance()
    assert out.getvalue() == "bake: 3/3, 0:00 gone, 0:00 left\n"
