"""The README stays short enough to be read, and shows what the API page shows."""

from __future__ import annotations

import json
import re

from src.config.settings import PROJECT_ROOT
from tests.unit.test_api_page import EXAMPLES, uncut

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 150
MOST_WORDS = 1500


def test_it_is_read_in_a_few_minutes() -> None:
    """Words as `wc -w` counts them, code and tables included."""
    assert len(README.splitlines()) <= MOST_LINES
    assert len(README.split()) <= MOST_WORDS


def test_it_has_the_routes_of_the_api_page() -> None:
    """In one table, of which the API page has the same paths."""

    def routes(text: str) -> set[str]:
        return {
            route for row in re.findall(r"^\| (`(?:GET|POST) /.*?) \|", text, re.MULTILINE) for route in row.split(", ")
        }

    page = (PROJECT_ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert routes(README) == routes(page)


def test_its_answer_is_the_one_of_the_api_page() -> None:
    """But for the pictures, which are cut."""
    (shown,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    (answer,) = (text for name, text in EXAMPLES if name == "UploadAnswer")

    def without_pictures(text: str) -> object:
        return re.sub(r'("data:image/png;base64,)[^"]*"', r'\1"', json.dumps(uncut(json.loads(text))))

    assert without_pictures(shown) == without_pictures(answer)


def test_what_must_not_be_overlooked_stands_in_it() -> None:
    """The notice, the licence that excludes commercial use, what was not run, where the model fails: a line each."""
    for line in ("It is not a medical device.", "excludes commercial use", "**Not run**", "**Where the model fails**"):
        assert README.count(line) == 1, line
