"""The error tree is the one drawn in its module's docstring, and every answer it makes is complete."""

from __future__ import annotations

import inspect
import re

import cv2
import numpy as np
import pytest

from src.core import errors
from src.core.errors import (
    Busy,
    EyeNetError,
    MethodNotAllowed,
    NotAPicture,
    PictureTooLarge,
    TimedOut,
    Unauthorized,
    Unavailable,
    errors_of_answers,
    memory_ran_out,
)

Drawn = dict[str, tuple[str, int | None, str | None]]
"""Name of a class -> name of its base, status and code as drawn; None where nothing is drawn."""

_LINE = re.compile(r"^( {4,})([A-Z]\w+)(?: +(.+))?$")


def drawn_tree() -> Drawn:
    tree: Drawn = {}
    ancestors: list[tuple[int, str, int | None]] = [(0, "Exception", None)]
    for line in (errors.__doc__ or "").splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        indent, name, rest = len(match[1]), match[2], (match[3] or "").split()
        while ancestors[-1][0] >= indent:
            ancestors.pop()
        _, base, status = ancestors[-1]
        if rest and rest[0].isdigit():
            status = int(rest.pop(0))
        tree[name] = (base, status, rest[0] if len(rest) == 1 else None)
        ancestors.append((indent, name, status))
    return tree


def error_classes() -> dict[str, type[Exception]]:
    members = inspect.getmembers(errors, inspect.isclass)
    return {name: member for name, member in members if member.__module__ == errors.__name__}


def answer_classes() -> list[type[EyeNetError]]:
    """Those that a client may see: the leaves of the tree."""
    classes = [member for member in error_classes().values() if issubclass(member, EyeNetError)]
    return [member for member in classes if not member.__subclasses__()]


def test_every_class_is_drawn_and_every_drawn_class_exists() -> None:
    assert set(drawn_tree()) == set(error_classes())


@pytest.mark.parametrize("name", drawn_tree())
def test_a_class_has_the_base_the_status_and_the_code_that_are_drawn(name: str) -> None:
    base, status, code = drawn_tree()[name]
    drawn = error_classes()[name]
    assert drawn.__base__ is not None
    assert drawn.__base__.__name__ == base
    if status is not None:
        assert issubclass(drawn, EyeNetError)
        assert drawn.status == status
    if code is not None:
        assert issubclass(drawn, EyeNetError)
        assert drawn.code == code


def test_the_answers_are_the_leaves_of_the_tree_and_each_has_a_code_of_its_own() -> None:
    assert set(errors_of_answers()) == set(answer_classes())
    codes = [answer.code for answer in answer_classes()]
    assert len(codes) == len(set(codes)) > 10
    assert all(re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", code) for code in codes)


def test_an_error_says_what_is_usual_unless_it_knows_better_and_may_be_told_its_frame() -> None:
    assert str(NotAPicture()) == NotAPicture.sentence
    error = NotAPicture("it is damaged")
    assert error.frame is None
    located = error.in_frame(2)
    assert located is error
    assert (located.frame, str(located)) == (2, "it is damaged")


@pytest.mark.parametrize("error", errors_of_answers(), ids=lambda error: error.code)
def test_every_answer_has_its_sentence_and_its_advice(error: type[EyeNetError]) -> None:
    assert str(error()) == error.sentence
    assert error.advice.endswith(".")


@pytest.mark.parametrize("answer", Unavailable.__subclasses__())
def test_an_unavailable_service_says_when_to_try_again(answer: type[Unavailable]) -> None:
    error = answer()
    assert error.status == 503
    assert int(error.headers["Retry-After"]) > 0
    assert str(error).endswith(".")


def test_errors_have_no_headers_unless_they_need_them() -> None:
    assert PictureTooLarge("too large").headers == {}
    assert Unauthorized().headers == {"WWW-Authenticate": "Bearer"}
    assert MethodNotAllowed("/predict takes POST.", "POST, OPTIONS").headers == {"Allow": "POST, OPTIONS"}
    assert Busy().headers.keys() == {"Retry-After"}
    # Who waited in vain is told to wait longer than who was refused at once.
    assert int(TimedOut().headers["Retry-After"]) > int(Busy().headers["Retry-After"])


class LibraryError(Exception):
    """As OpenCV and TensorFlow have them: what went wrong is a number on it."""

    def __init__(self, sentence: str, **numbers: int) -> None:
        super().__init__(sentence)
        for name, number in numbers.items():
            setattr(self, name, number)


def wrapped(cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except type(cause):
            raise NotAPicture from None
    except NotAPicture as error:
        return error


OUT_OF_MEMORY = [
    MemoryError(),
    LibraryError("Insufficient memory", code=-4),
    LibraryError("OOM when allocating tensor on /device:CPU:0", error_code=8),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY + [wrapped(error) for error in OUT_OF_MEMORY])
def test_memory_that_ran_out_is_seen_through_what_others_made_of_it(error: Exception) -> None:
    assert memory_ran_out(error)


@pytest.mark.parametrize(
    "error",
    [
        NotAPicture(),
        wrapped(ValueError()),
        LibraryError("Bad argument", code=-5),
        LibraryError("invalid", error_code=3),
        LibraryError("OOM when allocating tensor on /job:localhost/replica:0/task:0/device:GPU:0", error_code=8),
    ],
)
def test_other_errors_are_other_errors(error: Exception) -> None:
    assert not memory_ran_out(error)


def test_opencv_says_it_by_that_number() -> None:
    assert cv2.Error.StsNoMem == -4
    with pytest.raises(cv2.error) as caught:
        cv2.cvtColor(np.zeros((1, 1), np.uint8), cv2.COLOR_RGB2GRAY)
    # Where the number stands.
    assert isinstance(caught.value.code, int)
