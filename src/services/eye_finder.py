"""Finds the eyes in any photo: a whole face, half of one, both eyes, or a single eye that fills the picture.

A small convolutional network looks at the picture in grey, as CenterNet does (Zhou et al., "Objects as points", 2019):
each of 20 x 20 places says whether an eye has its centre there, and if so, where its outline and iris are.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from src.core.errors import StartupError
from src.core.types import Floats
from src.services.pyramid import GreyImage
from src.services.tensorflow_runtime import tf
from src.utils import geometry

SIDE: Final = 160
"""Pixels of the longest side of the picture as the network sees it."""
STRIDE: Final = 8
PLACES: Final = SIDE // STRIDE

# Outputs of each place, in this order. Points are told as (point - place) / width of the eye, x and y by turns.
SCORE, SIDE_LOGIT, LOG_WIDTH = 0, 1, 2
OUTLINE = slice(3, 15)
IRIS = slice(15, 18)
IRIS_LOGIT = 18
OUTPUTS: Final = 19

# Standard deviation in grey levels that is added, so that the noise of a blank picture is not made into a picture.
_LEAST_DEVIATION = 4.0

FINDER_FILE: Final = Path(__file__).parents[1] / "assets" / "models" / "eye_finder.npz"

Convolve = Callable[..., Any]
"""(input, name, filters, kernel, stride, rectified) -> output: a convolution with what belongs to it."""


def finder_network(picture: Any, convolve: Convolve) -> Any:
    """The network's architecture, for training and service alike.

    Takes float32 (n, SIDE, SIDE, 1), each picture with mean 0 and deviation 1; gives (n, PLACES, PLACES, OUTPUTS), of
    which SCORE, SIDE_LOGIT and IRIS_LOGIT are logits.
    """

    def block(x: Any, name: str, filters: int) -> Any:
        inner = convolve(x, f"{name}_1", filters, 3, 1, True)
        return tf.nn.relu(x + convolve(inner, f"{name}_2", filters, 3, 1, False))

    x = convolve(picture, "stem_1", 16, 3, 2, True)
    x = convolve(x, "stem_2", 32, 3, 2, True)
    fine = block(convolve(x, "fine", 48, 3, 2, True), "fine_a", 48)
    middle = block(block(convolve(fine, "middle", 80, 3, 2, True), "middle_a", 80), "middle_b", 80)
    coarse = block(block(convolve(middle, "coarse", 96, 3, 2, True), "coarse_a", 96), "coarse_b", 96)
    # What the whole picture shows, at every place: whether there is a face tells what a dark spot is.
    all_over = convolve(tf.reduce_mean(coarse, axis=(1, 2), keepdims=True), "all_over", 96, 1, 1, True)
    coarse = convolve(coarse + all_over, "coarse_out", 80, 1, 1, True)
    middle = convolve(_doubled(coarse) + convolve(middle, "middle_side", 80, 1, 1, False), "middle_out", 80, 3, 1, True)
    up = _doubled(convolve(middle, "middle_up", 48, 1, 1, False))
    fine = convolve(up + convolve(fine, "fine_side", 48, 1, 1, False), "fine_out", 48, 3, 1, True)
    fine = convolve(fine, "head", 64, 3, 1, True)
    return convolve(fine, "outputs", OUTPUTS, 1, 1, False)


def _doubled(x: Any) -> Any:
    _, height, width, channels = x.shape
    x = tf.reshape(x, (-1, height, 1, width, 1, channels))
    return tf.reshape(tf.tile(x, (1, 1, 2, 1, 2, 1)), (-1, 2 * height, 2 * width, channels))


def standardised(grey: GreyImage, inside: tuple[int, int]) -> npt.NDArray[np.float32]:
    """What the network is fed: SIDE x SIDE x 1, the photo (`inside`: width, height) with mean 0 and deviation 1.

    What lies outside is 0, which is the photo's mean.
    """
    width, height = inside
    picture = np.zeros((SIDE, SIDE, 1), np.float32)
    photo = grey[:height, :width].astype(np.float32)
    picture[:height, :width, 0] = (photo - photo.mean()) / (photo.std() + _LEAST_DEVIATION)
    return picture


@dataclass(frozen=True, slots=True)
class SeenEye:
    """One eye, in pixels of the photo.

    Attributes:
        score: 0-1, how sure it is that there is an eye.
        outline: as in `EyeRegion`; may lie outside of the photo.
        iris: centre and radius (x, y, radius).
        iris_seen: 0-1, how sure it is that the iris shows.
        inner_on_left: 0-1, how likely the corner at the nose is the one on the left: the person's left eye, in a
            picture that is not mirrored.
    """

    score: float
    outline: Floats
    iris: Floats
    iris_seen: float
    inner_on_left: float

    @property
    def centre(self) -> Floats:
        return geometry.between_corners(self.outline)

    @property
    def width(self) -> float:
        """From corner to corner."""
        return geometry.corner_distance(self.outline)


class EyeFinder:
    """Finds eyes. Safe to call from many threads at once."""

    def __init__(self, file: Path = FINDER_FILE) -> None:
        """Reads the weights.

        Raises:
            StartupError: the file is missing or is not a finder's.
        """
        try:
            with np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name].astype(np.float32) for name in stored.files}
            self._forward = _compiled(arrays)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            raise StartupError(f"{file} is missing or does not hold the weights of the eye finder.") from None
        self._forward(tf.zeros((1, SIDE, SIDE, 1)))

    def find(self, grey: GreyImage, least_score: float) -> list[SeenEye]:
        """The eyes that are at least that sure, the surest first, in pixels of the photo, which is SIDE pixels long."""
        height, width = grey.shape
        said = self._forward(tf.constant(standardised(grey, (width, height))[None])).numpy()[0]
        return read_places(said, least_score)


def _compiled(arrays: dict[str, npt.NDArray[np.float32]]) -> Any:
    def convolve(x: Any, name: str, filters: int, kernel: int, stride: int, rectified: bool) -> Any:
        weights, bias = arrays[f"{name}/weights"], arrays[f"{name}/bias"]
        if weights.shape != (kernel, kernel, x.shape[-1], filters) or bias.shape != (filters,):
            raise ValueError
        x = tf.nn.bias_add(tf.nn.conv2d(x, weights, stride, "SAME"), bias)
        return tf.nn.relu(x) if rectified else x

    def forward(picture: Any) -> Any:
        # It is done before a GPU has the picture.
        with tf.device("/CPU:0"):
            return finder_network(picture, convolve)

    signature = [tf.TensorSpec((1, SIDE, SIDE, 1), tf.float32)]
    return tf.function(forward, input_signature=signature, autograph=False).get_concrete_function()


def read_places(said: npt.NDArray[np.float32], least_score: float) -> list[SeenEye]:
    """The eyes in the network's output for one picture, PLACES x PLACES x OUTPUTS, in pixels of what it saw."""
    scores = _probability(said[..., SCORE])
    peaks = cv2.dilate(scores, np.ones((3, 3), np.uint8)) == scores
    rows, columns = np.nonzero(peaks & (scores >= least_score))
    found: list[SeenEye] = []
    for row, column in sorted(zip(rows, columns, strict=True), key=lambda place: -scores[place]):
        values = said[row, column]
        place = (np.array([column, row]) + 0.5) * STRIDE
        width = SIDE * float(np.exp(np.clip(values[LOG_WIDTH], -5, 3)))
        x, y, radius = values[IRIS]
        eye = SeenEye(
            score=float(scores[row, column]),
            outline=place + values[OUTLINE].reshape(6, 2) * width,
            iris=np.array([place[0] + x * width, place[1] + y * width, radius * width]),
            iris_seen=float(_probability(values[IRIS_LOGIT])),
            inner_on_left=float(_probability(values[SIDE_LOGIT])),
        )
        # Two eyes of one person are further apart.
        if all(np.hypot(*(eye.centre - other.centre)) > 0.7 * max(eye.width, other.width) for other in found):
            found.append(eye)
    return found


def _probability(logits: Any) -> Any:
    return 1 / (1 + np.exp(-logits.astype(np.float32)))
