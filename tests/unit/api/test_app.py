"""One table of paths: what is in it is documented, guarded or open, and switched off where the settings say so."""

from __future__ import annotations

import logging

import pytest

from src.api.access import Access
from src.api.app import routes_of
from src.api.context import ApiContext
from src.api.endpoint import Route
from src.config.settings import Settings

KEY = "0123456789abcdef"


def routes(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Route]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return {route.path: route for route in routes_of(ApiContext(Settings(_env_file=None)))}


def is_file_of_page(path: str) -> bool:
    return path.startswith("/assets/web/")


def test_a_path_is_there_once(settings: Settings) -> None:
    paths = [route.path for route in routes_of(ApiContext(settings))]
    assert len(paths) == len(set(paths)) > 20


def test_every_path_but_the_files_of_the_page_is_described_with_its_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, route in routes(monkeypatch).items():
        described = set() if is_file_of_page(path) else set(route.handlers)
        assert {method.upper() for method in route.openapi} == described, path


@pytest.mark.parametrize(("name", "path"), [("METRICS", "/metrics"), ("DEMO_PAGE", "/")])
def test_what_is_switched_off_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str, path: str) -> None:
    assert path in routes(monkeypatch)
    assert path not in routes(monkeypatch, **{name: "false"})


def test_probes_and_the_demo_page_are_open_and_the_rest_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    there = routes(monkeypatch, API_KEYS=KEY, PUBLIC_DOCS="false")
    open_to_all = {path for path, route in there.items() if route.access is Access.OPEN}
    assert {path for path in open_to_all if not is_file_of_page(path)} == {"/", "/health", "/live"}


@pytest.mark.parametrize(
    ("name", "paths_opened"), [("PUBLIC_DOCS", {"/docs", "/openapi.json"}), ("PUBLIC_METRICS", {"/metrics"})]
)
def test_documents_and_metrics_can_be_opened(
    monkeypatch: pytest.MonkeyPatch, name: str, paths_opened: set[str]
) -> None:
    for value, access in (("true", Access.OPEN), ("false", Access.GUARDED)):
        there = routes(monkeypatch, API_KEYS=KEY, **{name: value})
        assert {there[path].access for path in paths_opened} == {access}


def test_only_the_routes_of_pictures_have_the_old_envelope_a_deadline_and_a_line_in_every_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, legacy = routes(monkeypatch), routes(monkeypatch, LEGACY_ENVELOPE="true")
    of_pictures = {"/predict", "/upload"}
    assert {path for path in plain if plain[path].envelope is not legacy[path].envelope} == of_pictures
    assert {path for path, route in plain.items() if route.timeout_s is not None} == of_pictures
    assert {path for path, route in plain.items() if route.log_level >= logging.INFO} == of_pictures


def test_the_files_of_the_page_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, route in routes(monkeypatch).items():
        assert (route.counted_as or path) == ("/assets/web" if is_file_of_page(path) else path)
