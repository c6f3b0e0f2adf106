"""The Server-Timing header (W3C Server Timing): where the time of one request went, for browsers and their tools."""

from __future__ import annotations

from collections.abc import Mapping

from src.core.stage_times import Stage


def server_timing_headers(stages: Mapping[Stage, float], total_seconds: float) -> dict[str, str]:
    """Milliseconds of each stage that was reached, then of the whole; nothing for a request without stages."""
    if not stages:
        return {}
    durations = {**{stage.value: seconds for stage, seconds in stages.items()}, "total": total_seconds}
    return {"Server-Timing": ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in durations.items())}
