"""What operators read about the settings is what the settings are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from src.config.settings import PROJECT_ROOT, Settings

ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \| `([^`]*)` \| (.*\S) \|$", re.MULTILINE)
EXAMPLE_LINE = re.compile(r"^#? ?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
# Those that people change, as far as the README goes.
IN_README = 10


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
    return "" if default is None else str(default)


ROWS = {
    name.upper(): (name.upper(), as_text(field.default), field.description)
    for name, field in Settings.model_fields.items()
}
DEFAULTS = {name: default for name, default, _ in ROWS.values()}


def rows_of(document: str) -> list[tuple[str, str, str]]:
    """Name, default and meaning of each setting in its tables."""
    return ROW.findall((PROJECT_ROOT / document).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def example() -> list[tuple[str, str]]:
    return EXAMPLE_LINE.findall((PROJECT_ROOT / ".env.example").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_example_has_every_setting_with_its_default(example: list[tuple[str, str]], name: str) -> None:
    assert [value for named, value in example if named == name] == [DEFAULTS[name]]


def test_the_example_has_nothing_else(example: list[tuple[str, str]]) -> None:
    assert {name for name, _ in example} == set(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_page_has_every_setting_with_its_default_and_its_meaning(name: str) -> None:
    assert [row for row in rows_of("docs/configuration.md") if row[0] == name] == [ROWS[name]]


def test_the_page_has_nothing_else_and_the_order_of_the_example(example: list[tuple[str, str]]) -> None:
    assert [name for name, _, _ in rows_of("docs/configuration.md")] == [name for name, _ in example]


def test_the_readme_has_ten_of_them_as_the_page_has_them() -> None:
    in_readme = rows_of("README.md")
    assert len({name for name, _, _ in in_readme}) == len(in_readme) == IN_README
    assert [row for row in in_readme if row != ROWS.get(row[0])] == []


def test_every_default_read_from_its_text_is_the_default_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a copied example would change the service."""
    for name, text in DEFAULTS.items():
        monkeypatch.setenv(name, text)
    from_texts = Settings(_env_file=None)
    for name in DEFAULTS:
        monkeypatch.delenv(name)
    assert from_texts == Settings(_env_file=None)
