"""How bad a crop may get before the model calls it something else: the table behind the thresholds of the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from src.config.settings import Settings
from src.core.types import Box, EyeCrop, RgbImage
from src.services.classifier import EyeClassifier
from src.services.eye_crops import cut_eye
from src.utils.preprocessing import ALL, place_in_square, resize, to_network_input
from src.utils.quality import brightness, sharpness
from training.data.eyes import find_eyes
from training.data.pictures import LabelledPicture

BLUR_SIGMAS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
"""Standard deviations of the Gaussian, in pixels of a crop 224 px wide."""

DARK_GAINS = (0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05)
"""Factors on the values 0-255."""

BRIGHT_GAINS = (1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)
"""Factors on the values 0-255; what rises above 255 is lost."""

SHORTEST_SIDES = (96, 64, 48, 40, 32, 24, 20, 16, 12)
"""Pixels to which a crop is shrunk before it is enlarged again."""

_SENSOR_NOISE = 1.5
"""Standard deviation in levels of 0-255 of what a sensor adds to a picture taken in the dark."""

_REFERENCE_SIDE = 224
_LEAST_SIDE = 150
"""Pixels; what is small already cannot show what shrinking does."""

_Measure = Callable[[RgbImage], float]


def measure_quality_limits(
    classifier: EyeClassifier, crops: Sequence[RgbImage], seed: int, places: Sequence[Box] | None = None
) -> dict[str, Any]:
    """What the measures of quality say of ever worse crops, and how many of these still get the class they had.

    The classifier's answers on the crops (RGB uint8, of good quality) as they are count as right; `seed` is that of the
    sensor's noise. Each crop is what the photo has of it, and has its place in the square of `classifier.input_side`
    pixels that the classifier sees, all of it if `places` is None.

    Returns:
        ready for JSON: per degradation a list of levels, from none to the worst, each with the median of the measure
        and `same_class`, the share (0-1) of crops whose best class is that of the crop as it was.

    Raises:
        ValueError: there are no crops.
    """
    if not crops:
        raise ValueError("there are no crops")
    rng = np.random.default_rng(seed)
    places = places or [ALL] * len(crops)

    def best_classes(shown: Sequence[RgbImage]) -> npt.NDArray[np.intp]:
        inputs = [to_network_input(rgb, classifier.input_side, place) for rgb, place in zip(shown, places, strict=True)]
        return np.array([prediction.probabilities.argmax() for prediction in classifier.classify(inputs)])

    before = best_classes(crops)

    def row(level: str, value: float, degrade: Callable[[RgbImage], RgbImage], measure: _Measure) -> dict[str, Any]:
        worse = [degrade(crop) for crop in crops]
        same = float(np.mean(best_classes(worse) == before))
        return {level: value, measure.__name__: _median(measure, worse), "same_class": round(same, 3)}

    return {
        "crops": len(crops),
        "untouched": {"sharpness": _median(sharpness, crops), "brightness": _median(brightness, crops)},
        "blur": [row("sigma", sigma, partial(blurred, sigma=sigma), sharpness) for sigma in BLUR_SIGMAS],
        "darkness": [row("gain", gain, partial(darkened, gain=gain, rng=rng), brightness) for gain in DARK_GAINS],
        "over_exposure": [row("gain", gain, partial(over_exposed, gain=gain), brightness) for gain in BRIGHT_GAINS],
        "shrinking": [row("shortest_side", side, partial(shrunk, side=side), sharpness) for side in SHORTEST_SIDES],
    }


def _median(measure: _Measure, crops: Sequence[RgbImage]) -> float:
    return round(float(np.median([measure(crop) for crop in crops])), 3)


def blurred(crop: RgbImage, sigma: float) -> RgbImage:
    """Out of focus; `sigma` as in `BLUR_SIGMAS`."""
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma * min(crop.shape[:2]) / _REFERENCE_SIDE), dtype=np.uint8)


def darkened(crop: RgbImage, gain: float, rng: np.random.Generator) -> RgbImage:
    """Taken with too little light; `gain` is below 1."""
    return _levels(crop.astype(np.float64) * gain + rng.normal(0, _SENSOR_NOISE, crop.shape))


def over_exposed(crop: RgbImage, gain: float) -> RgbImage:
    """Taken with too much light; `gain` is above 1."""
    return _levels(crop.astype(np.float64) * gain)


def shrunk(crop: RgbImage, side: int) -> RgbImage:
    """As if the shortest side of the eye's crop had been that many pixels."""
    height, width = crop.shape[:2]
    scale = side / min(height, width)
    return resize(resize(crop, round(width * scale), round(height * scale)), width, height)


def _levels(values: npt.NDArray[np.float64]) -> RgbImage:
    return values.round().clip(0, 255).astype(np.uint8)


def quality_of_pictures(
    pictures: Sequence[LabelledPicture], settings: Settings, seed: int, count: int = 150
) -> dict[str, Any] | None:
    """The table of `measure_quality_limits` for about `count` large eyes, as many of each class, ready for JSON.

    None if there is no large one.
    """
    classifier = EyeClassifier.from_settings(settings)
    eyes = _large(pictures, count, seed, classifier.input_side)
    crops = [eye.network_input[place_in_square(eye.place, classifier.input_side)] for eye in eyes]
    return measure_quality_limits(classifier, crops, seed, [eye.place for eye in eyes]) if crops else None


def _large(pictures: Sequence[LabelledPicture], count: int, seed: int, side: int) -> list[EyeCrop]:
    chosen: list[EyeCrop] = []
    order = np.random.default_rng(seed).permutation(len(pictures))
    labels = sorted({picture.label for picture in pictures})
    for label in labels:
        read = (pictures[index].read() for index in order if pictures[index].label == label)
        found = (cut_eye(rgb, eye, side) for rgb in read for eye in find_eyes(rgb)[:1])
        large = (eye for eye in found if eye is not None and eye.quality.shortest_side >= _LEAST_SIDE)
        chosen += islice(large, max(1, count // len(labels)))
    return chosen
