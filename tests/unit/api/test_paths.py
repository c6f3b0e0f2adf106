"""One table of paths: what is in it is documented, guarded or open, and switched off where the settings say so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from src.api.access import Access
from src.api.context import ApiContext
from src.api.paths import Path, paths_of
from src.api.static_files import DOCUMENT_PATHS, document_files
from src.config.settings import Settings

KEY = "0123456789abcdef"


def paths(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Path]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return paths_of(ApiContext(Settings(_env_file=None)))


def described(there: dict[str, Path], settings: Settings) -> dict[str, Any]:
    """The document of the same paths, as the table makes it."""
    documented = [path for path in there if path not in DOCUMENT_PATHS and not path.startswith("/assets/")]
    return dict(json.loads(document_files(settings, documented)["/openapi.json"].content)["paths"])


def test_routes_methods_and_document_agree(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    there = paths(monkeypatch)
    for path, item in described(there, settings).items():
        assert {method.upper() for method in item if method != "parameters"} == set(there[path].handlers), path


@pytest.mark.parametrize(("name", "path"), [("METRICS", "/metrics"), ("DEMO_PAGE", "/")])
def test_what_is_switched_off_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str, path: str) -> None:
    assert path in paths(monkeypatch)
    assert path not in paths(monkeypatch, **{name: "false"})


def test_probes_and_the_demo_page_are_open_and_the_rest_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    there = paths(monkeypatch, API_KEYS=KEY, PUBLIC_DOCS="false")
    open_to_all = {path for path, each in there.items() if each.access is Access.OPEN}
    assert {path for path in open_to_all if not path.startswith("/assets/web/")} == {"/", "/health", "/live"}


@pytest.mark.parametrize(
    ("name", "paths_opened"), [("PUBLIC_DOCS", {"/docs", "/openapi.json"}), ("PUBLIC_METRICS", {"/metrics"})]
)
def test_documents_and_metrics_can_be_opened(
    monkeypatch: pytest.MonkeyPatch, name: str, paths_opened: set[str]
) -> None:
    for value, access in (("true", Access.OPEN), ("false", Access.GUARDED)):
        there = paths(monkeypatch, API_KEYS=KEY, **{name: value})
        assert {there[path].access for path in paths_opened} == {access}


def test_only_screening_can_be_in_the_old_envelope(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, legacy = paths(monkeypatch), paths(monkeypatch, LEGACY_ENVELOPE="true")
    assert {path for path in plain if plain[path].envelope is not legacy[path].envelope} == {"/predict", "/upload"}
