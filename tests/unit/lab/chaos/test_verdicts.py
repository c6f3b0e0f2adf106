from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.chaos.verdicts import all_verdicts, latency_rise, part_verdicts

Change = Callable[[dict[str, Any]], object]


def met(parts: dict[str, Any], name: str) -> list[bool]:
    return [verdict.met for verdict in part_verdicts(name, parts[name])]


def test_when_nothing_broke_everything_held(parts: dict[str, Any]) -> None:
    verdicts = all_verdicts(parts)
    assert [verdict.aim for verdict in verdicts if not verdict.met] == []
    assert len(verdicts) == 22


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("codec", lambda f: f.update(exit_code=-11)),
        ("codec", lambda f: f.update(strange={"builtins.MemoryError": 1})),
        ("codec", lambda f: f.update(memory_growth=0.06)),
        ("codec", lambda f: f.update(memory_growth=None)),
        ("routes", lambda f: f["bare"].update(survived=False)),
        ("routes", lambda f: f["gateway"].update(problems={"status 500": 1})),
        ("routes", lambda f: f["bare"].update(good_afterwards=None)),
        ("attacks", lambda f: f["attacks"][3].update(backend_lives=False)),
        ("attacks", lambda f: f["attacks"][3].update(error="OSError: no more descriptors")),
        ("attacks", lambda f: f["attacks"][0]["traffic"].update(failed=1)),
        ("attacks", lambda f: f["attacks"][0]["traffic"].update(p99_ms=2001.0)),
        ("attacks", lambda f: f["attacks"][0]["observed"].update(other_shapes=1)),
        ("attacks", lambda f: f["attacks"][1]["observed"].update(smuggled=1)),
        ("failover", lambda f: f["failed"].append((5.0, "/upload", "502"))),
        ("failover", lambda f: f.update(sent=999)),
        ("faults", lambda f: f["tests"][0].update(outcome="failed")),
        ("faults", lambda f: f["tests"][0].update(outcome="skipped")),
        ("faults", lambda f: f.update(exit_code=2)),
        ("network", lambda f: f["tests"][0].update(outcome="skipped")),
        ("network", lambda f: f.update(missing=["tests/contract/test_offline.py"])),
        ("soak", lambda f: f["failed"].append((5.0, "/upload", "502"))),
        ("soak", lambda f: f.update(seconds=1700.0)),
        ("soak", lambda f: f.update(sent=20_000)),
        ("soak", lambda f: f["poison"].update(sent=1000)),
        ("soak", lambda f: f.update(same_process=False)),
        ("soak", lambda f: f.update(files_left=1)),
        ("soak", lambda f: [s.update(resident_mb=900 + s["at_s"] / 10) for s in f["samples"]]),
        ("soak", lambda f: [s.update(threads=40 + s["at_s"] // 600) for s in f["samples"]]),
        ("soak", lambda f: [s.update(descriptors=60 + s["at_s"] / 60) for s in f["samples"]]),
        ("soak", lambda f: f.update(answered=[(at, 50 + at / 20) for at, _ in f["answered"]])),
    ],
)
def test_one_thing_that_broke_is_one_verdict_that_did_not_hold(
    parts: dict[str, Any], name: str, change: Change
) -> None:
    change(parts[name]["figures"])
    assert met(parts, name).count(False) == 1


def test_a_part_that_was_not_tried_held_nothing(parts: dict[str, Any]) -> None:
    del parts["soak"]
    assert [verdict.found for verdict in all_verdicts(parts) if not verdict.met] == ["not tried"]


def test_a_part_that_failed_itself_says_why(parts: dict[str, Any]) -> None:
    parts["attacks"].update(error="RuntimeError: no backend", figures=None)
    (verdict,) = part_verdicts("attacks", parts["attacks"])
    assert not verdict.met
    assert "RuntimeError: no backend" in verdict.found


def test_a_soak_without_samples_proves_nothing(parts: dict[str, Any]) -> None:
    parts["soak"]["figures"]["samples"] = []
    assert met(parts, "soak").count(False) == 3


def test_an_attack_without_any_answered_request_is_not_in_time(parts: dict[str, Any]) -> None:
    parts["attacks"]["figures"]["attacks"][0]["traffic"].update(p50_ms=None, p99_ms=None)
    assert met(parts, "attacks").count(False) == 1


def test_the_warm_up_counts_for_no_latency(parts: dict[str, Any]) -> None:
    figures = parts["soak"]["figures"]
    figures["answered"] = [(at, 9000.0 if at < 180 else 50.0) for at, _ in figures["answered"]]
    assert latency_rise(figures) == pytest.approx(1.0)
