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
        + 64 * 32 * 20 * 1024
        + 2 * (20 * 40_000_000 + 48 * MEGABYTE + 5 * 4 * MEGABYTE)
        + 8 * 4 * MEGABYTE
        + (32 + 4 * 8) * 2 * (preview + 224 * 224 * 3)
        + 5 * 28 * preview
    )
    assert bound(monkeypatch) == by_hand


@pytest.mark.parametrize(
    ("name", "value", "more"),
    [
        ("MAX_MEMORY_IN_FLIGHT_MB", "513", 2 * MEGABYTE),
        ("MAX_BODY_MB", "49", 2 * MEGABYTE),
        ("MAX_IMAGE_PIXELS", "40000001", 2 * 20),
        ("MAX_FRAMES", "33", 2 * (512 * 512 * 3 + 224 * 224 * 3) + 64 * 20 * 1024),
        ("WORKER_THREADS", "3", 68 * MEGABYTE + 800_000_000),
        ("SAVE_EYES", "true", 256 * MEGABYTE + 12 * 40_000_000),
        ("SAVE_TEMP_IMAGES", "true", 256 * MEGABYTE + 12 * 40_000_000),
        ("MAX_REQUESTS_IN_FLIGHT", "65", 32 * 20 * 1024),
    ],
)
def test_each_setting_adds_its_share(monkeypatch: pytest.MonkeyPatch, name: str, value: str, more: int) -> None:
    assert bound(monkeypatch, **{name: value}) - bound(monkeypatch) == more


def test_of_small_pictures_the_largest_step_is_to_parse_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"MAX_IMAGE_PIXELS": "1024"}
    assert bound(monkeypatch, **small, MAX_BODY_MB="49") - bound(monkeypatch, **small) == 2 * 9 * MEGABYTE


def test_every_setting_that_it_names_exists() -> None:
    named = set(re.findall(r"\b(?:MAX|WORKER)_[A-Z_]+", memory_of_requests.__doc__ or ""))
    assert named >= {
        "MAX_BODY_MB",
        "MAX_REQUESTS_IN_FLIGHT",
        "MAX_MEMORY_IN_FLIGHT_MB",
        "MAX_IMAGE_PIXELS",
        "MAX_FRAMES",
    }
    assert {name.lower() for name in named} <= set(Settings.model_fields)
