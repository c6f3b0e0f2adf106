"""What operators read about the settings is what the settings are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from src.config.settings import PROJECT_ROOT, Settings

README_ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \| `([^`]*)` \| (.*\S) \|$", re.MULTILINE)
EXAMPLE_LINE = re.compile(r"^#? ?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


def as_text(default: Any) -> str:
    """The default as one writes it in an .env file."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    if isinstance(default, float):
        return f"{default:g}"
    if isinstance(default, Path):
        return default.as_posix()
    return str(default)


DEFAULTS = {name.upper(): as_text(field.default) for name, field in Settings.model_fields.items()}


@pytest.fixture(scope="module")
def example() -> list[tuple[str, str]]:
    return EXAMPLE_LINE.findall((PROJECT_ROOT / ".env.example").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def readme() -> list[tuple[str, str, str]]:
    return README_ROW.findall((PROJECT_ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_example_has_every_setting_with_its_default(example: list[tuple[str, str]], name: str) -> None:
    assert [value for named, value in example if named == name] == [DEFAULTS[name]]


def test_the_example_has_nothing_else(example: list[tuple[str, str]]) -> None:
    assert {name for name, _ in example} == set(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_readme_has_every_setting_with_its_default(readme: list[tuple[str, str, str]], name: str) -> None:
    assert [value for named, value, _ in readme if named == name] == [DEFAULTS[name]]


def test_the_readme_has_nothing_else(readme: list[tuple[str, str, str]]) -> None:
    assert {name for name, _, _ in readme} == set(DEFAULTS)


def test_every_default_read_from_its_text_is_the_default_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a copied example would change the service."""
    for name, text in DEFAULTS.items():
        monkeypatch.setenv(name, text)
    from_texts = Settings(_env_file=None)
    for name in DEFAULTS:
        monkeypatch.delenv(name)
    assert from_texts == Settings(_env_file=None)
