"""The page's measure of sharpness is OpenCV's, and the sharpest frames are chosen by it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from src.core.types import RgbImage
from tests.browser.conftest import OpenPage
from tests.browser.demo_page import DemoPage

MEASURE = """async ([rgba, width, height]) => {
  const { greyLevels, laplacianVariance } = await import("/assets/web/sharpness.js");
  return laplacianVariance(greyLevels(rgba), width, height);
}"""
CHOOSE = """async (sharpnesses) => {
  const { sharpest } = await import("/assets/web/sharpness.js");
  return sharpest(sharpnesses.map((sharpness) => ({ sharpness })), 3).map((frame) => frame.sharpness);
}"""


def measured(page: DemoPage, rgb: RgbImage) -> float:
    rgba = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    return float(page.page.evaluate(MEASURE, [rgba.ravel().tolist(), rgb.shape[1], rgb.shape[0]]))


def test_it_is_the_variance_of_the_laplacian(open_page: OpenPage) -> None:
    rgb = np.ascontiguousarray(data.astronaut()[60:140, 180:290])
    grey = rgb.astype(np.float64) @ [0.299, 0.587, 0.114]
    # Inside: what OpenCV makes up beyond the edges is not part of the measure.
    expected = cv2.Laplacian(grey, cv2.CV_64F)[1:-1, 1:-1].var()

    assert measured(open_page(), rgb) == pytest.approx(expected, rel=1e-4)


def test_the_sharpest_are_chosen_in_the_order_in_which_they_were_taken(open_page: OpenPage) -> None:
    assert open_page().page.evaluate(CHOOSE, [5, 9, 1, 7, 8, 2]) == [9, 7, 8]
    assert open_page().page.evaluate(CHOOSE, [5, 5]) == [5, 5]
