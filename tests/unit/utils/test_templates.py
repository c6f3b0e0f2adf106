"""What goes into a page is text, and what a page may run has its hash."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from src.utils.templates import render_template, source_hash


def test_what_goes_in_is_text(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<p title="{{ name }}">{{ name }} ä</p>', encoding="utf-8")
    page = render_template(tmp_path / "page.html", name="<b>\"'&")
    assert page == '<p title="&lt;b&gt;&#34;&#39;&amp;">&lt;b&gt;&#34;&#39;&amp; ä</p>'


def test_a_template_may_include_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<main>{% include 'part.html' %}</main>")
    (tmp_path / "part.html").write_text("<b>{{ name }}</b>")
    assert render_template(tmp_path / "page.html", name="&") == "<main><b>&amp;</b></main>"


def test_a_value_that_is_not_there_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ name }}")
    with pytest.raises(jinja2.UndefinedError):
        render_template(tmp_path / "page.html")


def test_a_scripts_hash_is_the_one_browsers_ask_for() -> None:
    """The example of MDN's page on script-src."""
    assert source_hash("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
