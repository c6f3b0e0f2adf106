"""Figures become PNG files of the size asked for, the same each time, whatever the names in them."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from src.utils.image_codec import decode_picture
from training.report.drawing import draw_png, drawable


def paint(figure: Figure) -> None:
    figure.add_subplot().set_title("costs $5 or $x^2$ and 5_6 \\frac{")


def test_gives_a_png_of_the_right_shape() -> None:
    height, width, _ = decode_picture(draw_png(3, 2, paint), 10**7).shape
    assert (width, height) == (330, 220)


def test_gives_the_same_file_twice() -> None:
    assert draw_png(3, 2, paint) == draw_png(3, 2, paint)


@pytest.mark.parametrize(("text", "drawn"), [("Augenlid_ä.jpg", "Augenlid_ä.jpg"), ("眼\n1", "??1")])
def test_characters_that_cannot_be_drawn_become_question_marks(text: str, drawn: str) -> None:
    assert drawable(text) == drawn
