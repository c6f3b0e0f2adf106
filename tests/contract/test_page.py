"""The demo page as browsers and caches get it."""

from __future__ import annotations

import re

import httpx
import pytest

from lab.common.backend import ServiceProcess
from lab.common.http import RawConnection
from src.config.settings import ASSETS_DIR
from tests.contract.payloads import assert_error

FILES = sorted(file.name for file in (ASSETS_DIR / "web").iterdir() if file.name != "index.html")
PATHS = ["/", *(f"/assets/web/{name}" for name in FILES)]


def on_disk(path: str) -> bytes:
    return (ASSETS_DIR / "web" / (path.rpartition("/")[2] or "index.html")).read_bytes()


@pytest.mark.smoke
@pytest.mark.parametrize("path", PATHS)
def test_every_file_comes_as_it_is(client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.content == on_disk(path)
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert answer.headers["content-type"].split(";")[0] == kinds[path.rpartition(".")[2] if path != "/" else "html"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


def test_the_policy_lets_nothing_in_from_elsewhere(client: httpx.Client) -> None:
    policy = client.get("/").headers["content-security-policy"]
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))

    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert "unsafe" not in policy
    assert "http" not in policy


def test_everything_that_the_page_names_is_there(client: httpx.Client) -> None:
    named = re.findall(r'(?:href|src)="([^"#]+)', client.get("/").text)
    imported = {f"assets/web/{name}" for name in re.findall(r'from "\./([\w.]+)"', " ".join(map(read, FILES)))}

    assert named
    for name in {*named, *imported}:
        assert client.get(f"/{name}").status_code == 200, name


def read(name: str) -> str:
    return (ASSETS_DIR / "web" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PATHS[:3])
def test_what_a_browser_has_or_does_not_want_is_not_sent(client: httpx.Client, path: str) -> None:
    first, head = client.get(path), client.head(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    other = client.get(path, headers={"If-None-Match": '"of-another-version"'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == "no-cache"
    assert (other.status_code, other.content) == (200, first.content)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag", "content-security-policy"):
        assert head.headers[name] == first.headers[name]
    assert client.post(path).headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/web",
        "/assets/web/",
        "/assets/web/index.html",
        "/assets/web/nothing.js",
        "/assets/web/%2e%2e/models/eyenet_model_52k_ds.json",
        "/assets/web/..%2fmodels%2feyenet_model_52k_ds.json",
        "/assets/web/..%5cmodels",
        "/assets/web//etc/passwd",
        "/assets/models/eyenet_model_52k_ds.json",
        "/assets/web/main.js/more",
        "/assets/web/../models/eyenet_model_52k_ds.json",
        "/assets/web/../../config/settings.py",
        "/../main.py",
    ],
)
def test_no_other_file_can_be_asked_for(service: ServiceProcess, path: str) -> None:
    """As it is written: httpx would resolve dots before it sends."""
    with RawConnection(service.port) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode("ascii"))
        assert_error(connection.answer(), 404, "not_found")
