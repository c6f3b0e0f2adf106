"""A page that can load nothing, and run only what it came with."""

from __future__ import annotations

import base64
import hashlib

from src.utils.html_page import self_contained_page
from tests.html_reader import Reader


def test_it_is_whole_and_its_title_is_text() -> None:
    reader = Reader(self_contained_page("<b>", "p { color: red }", "<p>text</p>"))
    assert reader.open == []
    assert reader.tags == ["html", "head", "meta", "meta", "meta", "title", "style", "body", "p"]
    assert "<b>" in reader.text


def test_without_a_script_none_may_run() -> None:
    assert "script" not in self_contained_page("a", "", "<p></p>")


def test_the_policy_names_the_script_and_no_other() -> None:
    script = "document.title = 'ä';"
    page = self_contained_page("a", "", "<p></p>", script)
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    assert f"script-src 'sha256-{digest}'" in page
    assert f"<script>{script}</script>" in page
