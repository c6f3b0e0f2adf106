"""The demo page's files are read once, and only they."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from src.api.access import Access
from src.api.answers import HttpAnswer
from src.api.endpoint import Route
from src.api.openapi import operations, page
from src.api.static_files import document_routes, read_page_files
from src.config.settings import ASSETS_DIR, Settings
from src.core.errors import StartupError
from src.core.stage_times import StageTimes
from tests.unit.api.conftest import request_of

WEB = ASSETS_DIR / "web"
KEY = SecretStr("0123456789abcdef")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("index.html", "page.css", "main.js", "icon.svg"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


def test_every_file_has_its_type(folder: Path) -> None:
    types = {name: file.headers["Content-Type"] for name, file in read_page_files(folder).items()}
    assert types == {
        "icon.svg": "image/svg+xml",
        "index.html": "text/html; charset=utf-8",
        "main.js": "text/javascript; charset=utf-8",
        "page.css": "text/css; charset=utf-8",
    }


def test_nothing_else_in_the_folder_is_served(folder: Path) -> None:
    (folder / ".main.js.swp").write_text("an editor's", encoding="utf-8")
    (folder / "notes.txt").write_text("ours", encoding="utf-8")
    (folder / "secret.css").symlink_to(folder / "notes.txt")
    (folder / "folder.js").mkdir()

    assert set(read_page_files(folder)) == {"icon.svg", "index.html", "main.js", "page.css"}


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_page_that_is_not_there_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(StartupError, match=r"index\.html is missing: restore it\."):
        read_page_files(tmp_path / name)


def test_a_tag_changes_with_the_content(folder: Path) -> None:
    before = read_page_files(folder)["main.js"].tag
    assert read_page_files(folder)["main.js"].tag == before
    (folder / "main.js").write_text("changed", encoding="utf-8")
    assert read_page_files(folder)["main.js"].tag != before


@pytest.mark.parametrize(
    ("header", "is_tagged"),
    [
        (None, False),
        ("", False),
        ('"other"', False),
        ("TAG", True),
        ("W/TAG", True),
        ('"other", TAG', True),
        ("*", True),
        ("TAG-gzip", False),
    ],
)
def test_a_tag_is_compared_weakly(folder: Path, header: str | None, is_tagged: bool) -> None:
    file = read_page_files(folder)["main.js"]
    assert file.is_tagged(header and header.replace("TAG", file.tag)) is is_tagged


def test_the_page_names_no_other_host() -> None:
    """SVG's namespace and the papers in comments are names, not addresses that are asked for."""
    for file in WEB.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|(?:src|href)=\"//|@import|url\(", text), file.name


def test_the_page_has_no_script_or_style_in_line() -> None:
    html = (WEB / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html)


def test_every_text_of_the_page_is_in_one_file() -> None:
    names = re.findall(r'data-(?:text|label)="(\w+)"', (WEB / "index.html").read_text(encoding="utf-8"))
    texts = (WEB / "texts.js").read_text(encoding="utf-8")
    labels = texts[texts.index("export const labels") : texts.index("export const theme")]
    assert set(names) <= set(re.findall(r"^  (\w+):", labels, re.MULTILINE))


def test_every_reason_and_every_error_has_its_words() -> None:
    from src.core import errors
    from src.core.types import Reason

    texts = (WEB / "texts.js").read_text(encoding="utf-8")
    reasons = texts[texts.index("export const reasons") : texts.index("export const unknownReason")]
    assert re.findall(r"^  (\w+): \{", reasons, re.MULTILINE) == [reason.value for reason in Reason]
    # Codes that a client of the page can bring about; the others are faults of the page itself.
    advice = set(re.findall(r"^  (\w+):", texts[texts.index("export const advice") :], re.MULTILINE))
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    ours = {"invalid_json", "invalid_payload", "not_base64", "not_found", "method_not_allowed", "too_many_frames"}
    assert codes - ours - {"unsupported_content_type"} - {"bad_request", "too_large", "unavailable"} <= advice


LIVE = Route("/live", {}, Access.OPEN, operations.live())
UNDESCRIBED = Route("/assets/web/main.js", {}, Access.OPEN)


def documents(settings: Settings, **changes: Any) -> dict[str, HttpAnswer]:
    """What the two paths answer."""
    routes = document_routes(settings.model_copy(update=changes), [LIVE, UNDESCRIBED])
    return {route.path: asyncio.run(route.handlers["GET"](request_of(), StageTimes())) for route in routes}


def test_both_describe_each_other_and_the_other_paths(settings: Settings) -> None:
    files = documents(settings)
    assert set(files) == {"/openapi.json", "/docs"}
    assert set(json.loads(files["/openapi.json"].body)["paths"]) == {"/live", "/openapi.json", "/docs"}


def test_a_browser_applies_no_style_but_the_pages_own(settings: Settings) -> None:
    docs = documents(settings)["/docs"]
    (style,) = re.findall(r"<style>(.*?)</style>", docs.body.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = docs.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize(("keys", "public", "asks"), [((KEY,), False, True), ((KEY,), True, False), ((), False, False)])
def test_they_say_whether_they_need_a_key_themselves(
    settings: Settings, keys: tuple[SecretStr, ...], public: bool, asks: bool
) -> None:
    document = json.loads(documents(settings, api_keys=keys, public_docs=public)["/openapi.json"].body)
    assert ("security" in document["paths"]["/docs"]["get"]) is asks
    assert "security" not in document["paths"]["/live"]["get"]


def test_a_missing_part_of_the_documents_stops_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_TEMPLATE", ASSETS_DIR / "docs" / "gone.html")
    with pytest.raises(StartupError, match=r"gone\.html cannot be read: No such file or directory\. Restore it\."):
        documents(settings)
