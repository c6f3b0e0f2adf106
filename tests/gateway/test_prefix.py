"""Behind a proxy that gives the service a folder of its own, all that a page or a document refers to is found."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from lab.common.backend import LocalServer, ServiceProcess, free_port
from lab.common.gateway import NGINX, GatewayProcess
from tests.html_reader import Reader

PROXY = """daemon off; pid nginx.pid; error_log stderr; events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location /a/eyenet/ {{
            proxy_pass http://127.0.0.1:{behind}/;
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""


class _Proxy(LocalServer):
    def __init__(self, folder: Path, behind: int) -> None:
        port = free_port()
        file = folder / "nginx.conf"
        file.write_text(PROXY.format(port=port, behind=behind), encoding="utf-8")
        command = [str(NGINX), "-p", f"{folder}/", "-c", str(file), "-e", "stderr"]
        super().__init__(command, port, folder / "log", {}, folder)

    def _wait_until_ready(self) -> None:
        def answers() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return self.client.get("/").status_code < 500
            return False

        self.wait_for(answers, "answer of the proxy")


@pytest.fixture(scope="module", params=["service", "gateway"])
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """In front of the bare service, and in front of its gateway."""
    behind: ServiceProcess | GatewayProcess = request.getfixturevalue(request.param)
    with _Proxy(tmp_path_factory.mktemp("proxy"), behind.port) as proxy:
        yield proxy.client


def found(client: httpx.Client, page: str, reference: str) -> int:
    """The status of what a page at this path refers to."""
    path = urlsplit(urljoin(f"http://host{page}", reference)).path
    return client.get(path).status_code


def test_all_that_the_demo_page_and_its_modules_refer_to_is_there(proxied: httpx.Client) -> None:
    page = "/a/eyenet/"
    text = proxied.get(page).text
    references = {reference for reference in Reader(text).references if not reference.startswith("#")}
    assert len(references) > 5
    assert {reference: found(proxied, page, reference) for reference in references} == dict.fromkeys(references, 200)
    waiting, seen = ["assets/web/main.js"], set()
    while waiting:
        module = urljoin(page, waiting.pop())
        if module in seen:
            continue
        seen.add(module)
        answer = proxied.get(module)
        assert answer.status_code == 200, module
        waiting += [urljoin(module, name) for name in re.findall(r'from "([^"]+)"', answer.text)]
        assert not re.search(r'["`]/(predict|upload|health|assets)', answer.text), module
    assert len(seen) > 10


def test_the_documents_are_there_and_lead_to_the_routes(proxied: httpx.Client) -> None:
    page = "/a/eyenet/docs"
    references = [name for name in Reader(proxied.get(page).text).references if not name.startswith(("#", "data:"))]
    assert [found(proxied, page, reference) for reference in references] == [200] * len(references)
    document = proxied.get("/a/eyenet/openapi.json").json()
    server = urljoin("http://host/a/eyenet/openapi.json", document["servers"][0]["url"])
    assert proxied.get(urlsplit(server).path.rstrip("/") + "/live").status_code == 200


def test_the_demo_page_may_send_from_there(proxied: httpx.Client) -> None:
    own = f"http://127.0.0.1:{proxied.base_url.port}"
    answers = {
        origin: proxied.post("/a/eyenet/upload", json={"image": "AAAA"}, headers={"Origin": origin}).status_code
        for origin in (own, "http://evil.example")
    }
    assert answers == {own: 400, "http://evil.example": 403}
