"""The nouns that travel from the request to the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from src.core.errors import EyeNetError

RgbImage: TypeAlias = npt.NDArray[np.uint8]
"""Height x width x 3, RGB, 0-255."""

Heatmap: TypeAlias = npt.NDArray[np.float32]
"""Height x width, 0 (cold) to 1 (hottest place of this map)."""

Probabilities: TypeAlias = npt.NDArray[np.float32]
"""One value per class in the order of CLASSES, 0-1, summing to 1."""


class EyeSide(str, Enum):
    """Whose left and right: always those of the person in the picture."""

    LEFT = "left_eye"
    RIGHT = "right_eye"

    @property
    def opposite(self) -> EyeSide:
        return EyeSide.RIGHT if self is EyeSide.LEFT else EyeSide.LEFT


class EyeSource(str, Enum):
    """How an eye was found, from the most to the least certain about its place and side."""

    LANDMARKS = "landmarks"
    EYE_CASCADE = "eye_cascade"
    WHOLE_PICTURE = "whole_picture"


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel box in pixels of its picture; (x, y) is the corner nearest to the origin."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as the client sent it.

    Attributes:
        index: 0-based position in the request.
        image: a data URI or bare base64.
        score: the browser's confidence that this is a face; not used to judge the eye.
        blur: the browser's blur measure; not used, the service measures sharpness itself.
        box: where the browser saw the face. A hint: whether (x, y) is its corner or its centre is not known.
    """

    index: int
    image: str
    score: float | None = None
    blur: float | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class EyeRegion:
    """Where one eye is in a picture, padding included; may reach over the picture's edge."""

    side: EyeSide
    box: Box
    source: EyeSource


@dataclass(frozen=True, slots=True)
class EyeCrop:
    """One eye cut out of one frame.

    Attributes:
        preview: the crop, longest side at most 512 px.
        network_input: the same crop as the classifier sees it, squeezed to a square.
        sharpness: variance of the Laplacian of `network_input`; larger is sharper.
    """

    side: EyeSide
    source: EyeSource
    preview: RgbImage
    network_input: RgbImage
    sharpness: float


@dataclass(frozen=True, slots=True)
class EyePrediction:
    """What the classifier says of one crop.

    Attributes:
        probabilities: one per class.
        heatmaps: one Grad-CAM map per class, at the layer's own resolution; None where the map is flat.
    """

    probabilities: Probabilities
    heatmaps: tuple[Heatmap | None, ...]


@dataclass(frozen=True, slots=True)
class EyeReport:
    """What is said of one eye over all frames in which it was seen.

    Attributes:
        probabilities: mean over those frames.
        best_class: index of the largest mean probability.
        preview: crop of the sharpest of those frames.
        overlay: the best class's heatmap laid over `preview`, same size; None where the map is flat.
        source: how the eye was found in that frame.
    """

    side: EyeSide
    probabilities: Probabilities
    best_class: int
    frames_seen: int
    preview: RgbImage
    overlay: RgbImage | None
    source: EyeSource


@dataclass(frozen=True, slots=True)
class FrameFailure:
    """A frame that could not be used, and why; `index` is its 0-based position in the request."""

    index: int
    error: EyeNetError


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """The answer to one request: one eye or two, and the frames that could not be used, in their order."""

    eyes: dict[EyeSide, EyeReport]
    failures: tuple[FrameFailure, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What there is to know of the loaded model.

    Attributes:
        sha256: of the .h5 file, hexadecimal.
        device: what it runs on, `CPU` or `GPU: <name>`.
        tensorflow: version of TensorFlow.
    """

    name: str
    sha256: str
    classes: tuple[str, ...]
    grad_cam_layer: str
    device: str
    tensorflow: str
