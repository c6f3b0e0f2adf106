"""Every reason has plain words."""

from __future__ import annotations

import pytest

from src.cli.screening.wording import reason_in_words, shown_name, side_in_words
from src.core.types import Reason
from tests.unit.cli.screening.conftest import MakeEye


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_of_its_own(reason: Reason) -> None:
    assert "_" not in reason_in_words(reason.value)
    assert reason_in_words(reason.value) not in {
        reason_in_words(other.value) for other in Reason if other is not reason
    }


def test_a_reason_of_another_version_stays_as_it_is() -> None:
    assert reason_in_words("squinting") == "squinting"


def test_a_picture_of_one_eye_does_not_show_whose_it_is(make_eye: MakeEye) -> None:
    assert side_in_words(make_eye(10)) == "left eye"
    assert side_in_words(make_eye(10, eye="right_eye")) == "right eye"
    assert side_in_words(make_eye(10, found_by="whole_picture")) == "one eye, side not known"


def test_a_name_cannot_speak_to_a_terminal() -> None:
    assert shown_name("a\x1b]0;gotcha\x07\u202egpj.exe") == "a\ufffd]0;gotcha\ufffd\ufffdgpj.exe"
