"""Every threshold is the setting of its name."""

from __future__ import annotations

import dataclasses

import pytest

from src.config.settings import Settings, load_settings
from src.services.thresholds import Thresholds


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Thresholds)])
def test_each_setting_reaches_its_threshold_and_no_other(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    usual = dataclasses.asdict(Thresholds.from_settings(load_settings(env_file=None)))
    changed = type(usual[field])(1 if usual[field] != 1 else 0)
    monkeypatch.setenv(field.upper(), str(changed))
    assert dataclasses.asdict(Thresholds.from_settings(load_settings(env_file=None))) == usual | {field: changed}


def test_there_is_one_for_each_setting_that_names_a_limit_of_the_answer() -> None:
    named = {name for name in Settings.model_fields if name.startswith("min_")}
    fields = {field.name for field in dataclasses.fields(Thresholds)}
    assert named < fields
