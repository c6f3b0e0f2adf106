"""Figures as a run leaves them, with numbers that can be reckoned with."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import pytest

from lab.bench.floor import BATCH_SIZES
from lab.bench.plan import FULL
from lab.common.work import WORKS

# Requests per second of /upload; a request of n eyes takes n times as long.
UPLOADS_PER_S = {"service": 90.0, "service_float32": 45.0, "fastapi_onnx": 50.0, "usual": 2.0}
FLOOR_EYES_PER_S = {("tensorflow", "float32"): 50.0, ("onnxruntime", "float32"): 60.0, ("tensorflow", "bfloat16"): 96.0}


def cell(side: str, work: Any, at_once: int, speed: float) -> dict[str, Any]:
    if side == "usual" and at_once == 64:
        return {"work": work.name, "at_once": at_once, "left_out": True}
    per_second = UPLOADS_PER_S[side] * speed / work.eyes
    latency = 1000 * at_once / per_second
    says_stages = side.startswith("service")
    return {
        "work": work.name,
        "at_once": at_once,
        "answered": 100,
        "requests_per_s": per_second,
        "p50_ms": latency,
        "p95_ms": 1.5 * latency,
        "p99_ms": 2 * latency,
        "refused": 7 if at_once == 64 else 0,
        "given_up": 0,
        "errors": {},
        "stages_ms": {"decode": 4.0, "infer": 12.0, "total": 17.0} if says_stages else {},
        "cpu_ms_per_request": 20.0,
        "client_share_of_a_core": 0.02,
        **({"health_ms": [2.0] * 99 + [9.0], "health_failures": 0} if at_once == 64 else {}),
    }


def measured_side(side: str, speed: float) -> dict[str, Any]:
    return {
        "ready_s": 6.0,
        "memory_ready_mb": 800.0,
        "memory_end_mb": 900.0,
        "precision": {"service": "bfloat16", "service_float32": "float32"}.get(side),
        "first_ms": {"upload": [21.0, 20.0], "predict_5": [200.0, 200.0]},
        "cells": [cell(side, work, at_once, speed) for work in WORKS for at_once in FULL.at_once],
    }


def measured_round(speed: float) -> dict[str, Any]:
    """
    Args:
        speed: by which everything is faster than in an ordinary round.
    """
    floor = [
        {
            "engine": engine,
            "precision": precision,
            "threads": threads,
            "callers": 3 - threads,
            "passes": [
                {
                    "batch": batch,
                    "eyes_per_s": eyes_per_s * speed * (1.0 if threads == 1 else 0.8),
                    "latency_ms": 1000 * batch / eyes_per_s / speed * (1.0 if threads == 2 else 1.25),
                }
                for batch in BATCH_SIZES
            ],
        }
        for (engine, precision), eyes_per_s in FLOOR_EYES_PER_S.items()
        for threads in (1, 2)
    ]
    pictures = {"decode_photo_ms": 5.0, "detect_frame_ms": 8.0, "detect_five_frames_ms": 22.0}
    return {
        "sides": {side: measured_side(side, speed) for side in UPLOADS_PER_S},
        "floor": floor,
        "pictures": pictures,
    }


@pytest.fixture(scope="session")
def measured() -> dict[str, Any]:
    difference = {"eyes": 5, "other_class": 0, "largest_score": 0.0, "largest_heatmap": 0}
    return {
        "date": "2026-01-31",
        "minutes": 18.4,
        "quick": False,
        "plan": asdict(FULL),
        "machine": {
            "processor": "Some Processor",
            "cores": 2,
            "flags": ["avx2"],
            "memory_gib": 16.0,
            "system": "Some Linux",
            "python": "3.11.7",
            "packages": {"numpy": "1.26.4"},
            "load_before": 0.1,
        },
        "body_bytes": {work.name: 1_000_000 for work in WORKS},
        "rounds": [measured_round(speed) for speed in (1.0, 0.5, 1.25)],
        "memory": {
            "requests": 2000,
            "resident_mb": [700.0, 900.0, 900.0, 900.0, 900.0, 900.0, 900.0, 900.0],
            "errors": {},
        },
        "agreement": {"at_once": difference, "sides": {"fastapi_onnx": {**difference, "largest_score": 0.01}}},
    }


@pytest.fixture
def raw(measured: dict[str, Any]) -> dict[str, Any]:
    """To be changed by a test."""
    return copy.deepcopy(measured)
