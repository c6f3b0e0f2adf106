"""Names of hosts and headers that settings may list."""

from __future__ import annotations

import pytest

from src.config.settings import load_settings
from src.core.errors import StartupError


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), ("Eyenet.Example.org , localhost", ("eyenet.example.org", "localhost")),
     ("*.clinic.example,my_container", ("*.clinic.example", "my_container"))],
)  # fmt: skip
def test_hosts_are_names_in_lower_case(monkeypatch: pytest.MonkeyPatch, text: str, names: tuple[str, ...]) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", text)
    assert load_settings(env_file=None).allowed_hosts == names


@pytest.mark.parametrize(
    "text",
    ["https://eyenet.example", "eyenet.example:8000", "eyenet.example/x", "*", "*.", "a..b", "[::1]", "-a", "a b"],
)  # fmt: skip
def test_what_is_no_host_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", text)
    with pytest.raises(StartupError, match=r"^ALLOWED_HOSTS is wrong: takes host names such as"):
        load_settings(env_file=None)


def test_headers_are_the_names_that_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ALLOWED_HEADERS", "Content-Type, x-mine")
    assert load_settings(env_file=None).cors_allowed_headers == ("Content-Type", "x-mine")


@pytest.mark.parametrize("text", ["*", "Content-Type: x", "a b", "Content-Type,\xe9", "a\r\nb", "(x)"])
def test_what_is_no_header_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CORS_ALLOWED_HEADERS", text)
    with pytest.raises(StartupError, match=r"^CORS_ALLOWED_HEADERS is wrong: takes names of headers"):
        load_settings(env_file=None)
