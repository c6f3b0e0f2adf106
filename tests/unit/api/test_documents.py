"""The files of the documentation, as they are kept in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from src.api.documents import DOCUMENT_PATHS, document_files
from src.api.static_file import StaticFile
from src.config.settings import Settings


@pytest.fixture(scope="module")
def files(settings: Settings) -> dict[str, StaticFile]:
    return document_files(settings, ["/predict", "/live"])


def test_both_describe_each_other_and_the_other_paths(files: dict[str, StaticFile]) -> None:
    assert set(files) == set(DOCUMENT_PATHS)
    document = json.loads(files["/openapi.json"].content)
    assert set(document["paths"]) == {"/predict", "/live", *DOCUMENT_PATHS}


def test_a_browser_applies_no_style_but_the_pages_own(files: dict[str, StaticFile]) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", files["/docs"].content.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = files["/docs"].headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_the_guard_is_described(settings: Settings) -> None:
    document = json.loads(document_files(settings, ["/live"], guarded=DOCUMENT_PATHS)["/openapi.json"].content)
    assert "security" in document["paths"]["/docs"]["get"]
    assert "security" not in document["paths"]["/live"]["get"]
