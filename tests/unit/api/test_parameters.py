"""What a client says of its pictures in the query is understood, or refused, and never guessed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from src.api.parameters import PreviewFormat, Told, agreed, told_in_query
from src.core.errors import InvalidPayload
from src.core.types import EyeSide

PRIVATE = "s3cret"
LEFT, RIGHT = Told(eye=EyeSide.LEFT), Told(eye=EyeSide.RIGHT)


def told(*names: str, **query: list[str]) -> Told:
    """Of a request as Robyn hands it over: keys and values as they stand in the address, repeated ones in a list."""
    request: Any = SimpleNamespace(query_params=SimpleNamespace(to_dict=lambda: query))
    return told_in_query(request, *(names or ("mirrored", "eye")))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, Told()),
        ({"eye": ["left"]}, LEFT),
        ({"eye": ["right"], "mirrored": ["false"]}, Told(False, EyeSide.RIGHT)),
        ({"mirrored": ["true"]}, Told(True)),
        ({"eye": ["right", "right"]}, RIGHT),
        ({"eye": ["%6Ceft"]}, LEFT),
        ({"%65ye": ["left"]}, LEFT),
        ({"EYE": [PRIVATE], "side": ["left"], "": [""], "eye[]": ["left"]}, Told()),
    ],
)
def test_words_are_understood_also_where_they_are_percent_encoded(query: dict[str, list[str]], expected: Told) -> None:
    assert told(**query) == expected


def test_what_the_route_does_not_ask_for_is_ignored() -> None:
    assert told("mirrored", eye=[PRIVATE], mirrored=["true"]) == Told(True)


@pytest.mark.parametrize(
    "word", [PRIVATE, "", "Left", "LEFT", "left%20", "+left", "%zz", "%ff", "unknown", "true", "l"]
)
def test_no_other_word_is_an_eye(word: str) -> None:
    with pytest.raises(InvalidPayload, match=r"^The query: eye must be left or right\.$"):
        told(eye=[word])


@pytest.mark.parametrize("form", PreviewFormat)
def test_the_form_of_the_pictures_is_asked_for_by_its_name(form: PreviewFormat) -> None:
    asked = told("previews", previews=[form.value])
    assert asked == Told(previews=form)
    assert (asked.preview_format, asked.wants_pictures) == (form, form is not PreviewFormat.NONE)
    assert (Told().preview_format, Told().wants_pictures) == (PreviewFormat.PNG, True)


@pytest.mark.parametrize("word", [PRIVATE, "", "PNG", "jpg", "image/png", "false"])
def test_no_other_word_is_a_form(word: str) -> None:
    with pytest.raises(InvalidPayload, match=r"^The query: previews must be png, jpeg, webp or none\.$"):
        told("previews", previews=[word])


@pytest.mark.parametrize("word", [PRIVATE, "", "True", "1", "0", "yes", "left", "null"])
def test_no_other_word_says_whether_pictures_are_mirrored(word: str) -> None:
    with pytest.raises(InvalidPayload, match=r"^The query: mirrored must be true or false\.$"):
        told(mirrored=[word])


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"eye": ["left", "right"]}, "eye"),
        ({"eye": ["left"], "ey%65": ["right"]}, "eye"),
        ({"mirrored": ["true", "true", "false"]}, "mirrored"),
    ],
)
def test_two_different_values_are_refused(query: dict[str, list[str]], name: str) -> None:
    with pytest.raises(InvalidPayload, match=f"^The query: {name} has two different values; send it once"):
        told(**query)


@pytest.mark.parametrize(
    ("query", "body", "together"),
    [
        (Told(), Told(), Told()),
        (LEFT, Told(), LEFT),
        (Told(), RIGHT, RIGHT),
        (LEFT, LEFT, LEFT),
        (Told(False), RIGHT, Told(False, EyeSide.RIGHT)),
        (Told(False), Told(False), Told(False)),
    ],
)
def test_query_and_body_complete_each_other(query: Told, body: Told, together: Told) -> None:
    assert agreed(query, body) == together


@pytest.mark.parametrize(
    ("query", "body", "name"),
    [(LEFT, RIGHT, "eye"), (Told(True), Told(False), "mirrored"), (Told(False), Told(True), "mi")],
)
def test_query_and_body_may_not_contradict_each_other(query: Told, body: Told, name: str) -> None:
    for one, other in ((query, body), (body, query)):
        with pytest.raises(InvalidPayload, match=f"^{name}.* has one value in the query and another in the body"):
            agreed(one, other)
