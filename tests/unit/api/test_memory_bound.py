"""The bound on memory is the sum that its documentation writes down, out of settings that exist."""

from __future__ import annotations

import re

import pytest

from src.api.memory_bound import memory_of_requests
from src.config.settings import Settings, load_settings

MEGABYTE = 1024 * 1024


def bound(monkeypatch: pytest.MonkeyPatch, **environment: str) -> int:
    with monkeypatch.context() as patched:
        for name, value in ({"WORKER_THREADS": "2"} | environment).items():
            patched.setenv(name, value)
        return memory_of_requests(load_settings(env_file=None), 5, 224)


def test_with_the_defaults_on_two_cores_it_is_what_the_formula_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    preview = 512 * 512 * 3
    by_hand = (
        2 * 512 * MEGABYTE
        + 2 * (4 * 48 * MEGABYTE + 50_000_000 + 20 * 40_000_000)
        + (32 + 4 * 8) * 2 * (preview + 224 * 224 * 3)
        + 5 * 28 * preview
    )
    assert bound(monkeypatch) == by_hand


@pytest.mark.parametrize(
    ("name", "value", "more"),
    [
        ("MAX_MEMORY_IN_FLIGHT_MB", "513", 2 * MEGABYTE),
        ("MAX_BODY_MB", "49", 2 * 4 * MEGABYTE),
        ("MAX_IMAGE_PIXELS", "40000001", 2 * 20),
        ("MAX_FRAMES", "33", 2 * (512 * 512 * 3 + 224 * 224 * 3)),
        ("WORKER_THREADS", "3", 4 * 48 * MEGABYTE + 50_000_000 + 800_000_000),
        ("SAVE_EYES", "true", 256 * MEGABYTE + 12 * 40_000_000),
        ("SAVE_TEMP_IMAGES", "true", 256 * MEGABYTE + 12 * 40_000_000),
        ("MAX_REQUESTS_IN_FLIGHT", "10000", 0),
    ],
)
def test_each_setting_adds_its_share(monkeypatch: pytest.MonkeyPatch, name: str, value: str, more: int) -> None:
    assert bound(monkeypatch, **{name: value}) - bound(monkeypatch) == more


def test_every_setting_that_it_names_exists() -> None:
    named = set(re.findall(r"\b(?:MAX|WORKER)_[A-Z_]+", memory_of_requests.__doc__ or ""))
    assert named >= {"MAX_BODY_MB", "MAX_MEMORY_IN_FLIGHT_MB", "MAX_IMAGE_PIXELS", "MAX_FRAMES"}
    assert {name.lower() for name in named} <= set(Settings.model_fields)
