"""Figures as a run leaves them, with numbers that can be reckoned with."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import pytest

from lab.chaos.attacks import ATTACKS
from lab.chaos.plan import FULL, PARTS


def traffic(p99_ms: float = 300.0) -> dict[str, Any]:
    return {"sent": 64, "failed": 0, "problems": [], "p50_ms": 60.0, "p99_ms": p99_ms}


def soak() -> dict[str, Any]:
    rate, seconds = FULL.soak_rate, FULL.soak_s
    return {
        "seconds": seconds,
        "warm_up_s": FULL.soak_warm_up_s,
        "rate": rate,
        "samples": [
            # Memory, threads and descriptors rise in the warm-up only.
            {"at_s": at, "resident_mb": 900.0 + min(at, 180), "threads": 40, "descriptors": 60 + at % 3, "files": 4}
            for at in range(0, int(seconds), 3)
        ],
        "sent": 27_000,
        "failed": [],
        "answered": [(at / 10, 50.0) for at in range(int(seconds) * 10)],
        "poison": {"sent": 1421, "answers": {"400": 1200, "413": 221}},
        "same_process": True,
        "files_left": 0,
    }


def routes(requests: int) -> dict[str, Any]:
    return {
        "requests": requests,
        "answers": {"400": requests - 10, "200": 10},
        "problems": {},
        "slowest_ms": 90.0,
        "p99_ms": 40.0,
        "resident_mb": [1000.0] * 8,
        "memory_growth": 0.001,
        "survived": True,
        "good_afterwards": 200,
    }


def suite(names: list[str]) -> dict[str, Any]:
    return {
        "missing": [],
        "exit_code": 0,
        "tests": [{"name": name, "outcome": "passed", "reason": ""} for name in names],
    }


FIGURES: dict[str, Any] = {
    "codec": {
        "inputs": {"pictures": 6000, "data_uris": 750, "bodies": 750},
        "outcomes": {"read": 2000, "not_a_picture": 5500},
        "strange": {},
        "slowest_ms": 120.0,
        "p99_ms": 4.0,
        "resident_mb": [100.0] * 8,
        "memory_growth": 0.01,
        "exit_code": 0,
    },
    "routes": {"bare": routes(1250), "gateway": routes(1250)},
    "attacks": {
        "alone": traffic(),
        "alone_afterwards": traffic(),
        "attacks": [
            {
                "title": attack.title,
                "seconds": 8.0,
                "observed": {"tries": 10, "answers": {"400": 10}, "other_shapes": 0, "smuggled": 0},
                "error": None,
                "traffic": traffic(),
                "backend_lives": True,
                "resident_mb": [1000.0, 1000.0],
            }
            for attack in ATTACKS
        ],
    },
    "failover": {
        "faults": [
            {"what": "kill -9 the first", "at_s": 3.0, "back_after_s": 9.0, "came_back": "its supervisor"},
            {"what": "SIGTERM to the second, and start it", "at_s": 15.0, "back_after_s": 9.0, "came_back": "the test"},
        ],
        "calm_s": 10.0,
        "seconds": 110.0,
        "sent": 1100,
        "failed": [],
        "answered": [(at / 10, 80.0) for at in range(1100)],
        "p50_ms": 80.0,
        "p99_ms": 900.0,
        "slowest_ms": 1500.0,
    },
    "faults": suite(["a full disk is survived", "a taken port is one clear sentence"]),
    "network": suite(["it answers without any network"]),
    "soak": soak(),
}


@pytest.fixture(scope="session")
def measured() -> dict[str, Any]:
    machine = {
        "processor": "Some Processor",
        "cores": 2,
        "flags": ["avx2"],
        "memory_gib": 16.0,
        "system": "Some Linux",
        "python": "3.11.7",
        "packages": {"robyn": "0.88.0"},
        "load_before": 0.1,
    }
    return {
        name: {
            "part": name,
            "date": "2026-01-31",
            "minutes": 3.5,
            "quick": False,
            "plan": asdict(FULL),
            "machine": machine,
            "error": None,
            "figures": FIGURES[name],
        }
        for name in PARTS
    }


@pytest.fixture
def parts(measured: dict[str, Any]) -> dict[str, Any]:
    """To be changed by a test."""
    return copy.deepcopy(measured)
