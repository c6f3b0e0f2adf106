"""The nouns that travel from the request to the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from src.core.errors import EyeNetError

RgbImage: TypeAlias = npt.NDArray[np.uint8]
"""Height x width x 3, RGB, 0-255."""

Heatmap: TypeAlias = npt.NDArray[np.float32]
"""Height x width, 0 (cold) to 1 (hottest place of this map)."""

Probabilities: TypeAlias = npt.NDArray[np.float32]
"""One value per class in the order of CLASSES, 0-1, summing to 1."""

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
"""Of any shape and precision."""


def short_hash(sha256: str) -> str:
    """The first digits of a model's hexadecimal SHA-256, by which people tell models apart."""
    return sha256[:12]


class EyeSide(str, Enum):
    """Whose left and right: always those of the person in the picture. A close-up does not always show which it is."""

    LEFT = "left"
    RIGHT = "right"
    UNKNOWN = "unknown"

    @property
    def opposite(self) -> EyeSide:
        """The side in the mirror."""
        return {EyeSide.LEFT: EyeSide.RIGHT, EyeSide.RIGHT: EyeSide.LEFT}.get(self, self)


class SideSource(str, Enum):
    """From what the side of an eye is known: the face or the other eye beside it, its own inner corner, or the client's
    word.
    """

    FACE = "face"
    INNER_CORNER = "inner_corner"
    CALLER = "caller"


class EyeSource(str, Enum):
    """How an eye was found, from the most to the least certain about its place."""

    LANDMARKS = "landmarks"
    EYE_CASCADE = "eye_cascade"
    EYE_FINDER = "eye_finder"
    WHOLE_PICTURE = "whole_picture"


class Reason(str, Enum):
    """Why an answer is not sure, in the order in which reasons are listed."""

    LOW_CONFIDENCE = "low_confidence"
    NOT_AN_EYE = "not_an_eye"
    UNFAMILIAR = "unfamiliar"
    OTHER_CONDITION = "other_condition"
    BLURRY = "blurry"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TOO_SMALL = "too_small"
    TOO_CLOSE = "too_close"
    EYE_CLOSED = "eye_closed"
    FRAMES_DISAGREE = "frames_disagree"


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
    """One picture that somebody sent.

    Attributes:
        index: 0-based position in the request.
        data: a picture file, or what is taken for one.
        box: where the browser saw the face. A hint: whether (x, y) is its corner or its centre is not known.
    """

    index: int
    data: bytes
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class EyeRegion:
    """Where one eye is in a picture, padding included; may reach over the picture's edge.

    Attributes:
        openness: eye aspect ratio of the outline, about 0.1 (closed) to 0.4 (wide open); None without an outline.
        outline: 6 x (x, y): the corner on the left of the picture, two points of the upper lid, the other corner, two
            of the lower lid, as iBUG 300-W orders them; None where only a box is known.
        side_from: None where the side is unknown.
        sure: whoever found it does not doubt that it is an eye.
        lids_visible: the picture is not taken from so near that the lids are outside of it.
    """

    side: EyeSide
    box: Box
    source: EyeSource
    openness: float | None = None
    outline: Floats | None = field(default=None, compare=False)
    side_from: SideSource | None = None
    sure: bool = True
    lids_visible: bool = True


@dataclass(frozen=True, slots=True)
class FoundEyes:
    """What one picture shows of one person.

    Attributes:
        eyes: at most one of each side; one of unknown side only alone.
        faces: how many whole faces were seen where the largest was; 0 where the eyes were found without one.
    """

    eyes: list[EyeRegion]
    faces: int


@dataclass(frozen=True, slots=True)
class CropQuality:
    """How well an eye can be seen on its crop.

    Attributes:
        sharpness: see `quality.sharpness`; larger is sharper.
        brightness: see `quality.brightness`, 0-255.
        shortest_side: of the crop as it was in the picture, in pixels.
        openness, sure, lids_visible: see `EyeRegion`.
    """

    sharpness: float
    brightness: float
    shortest_side: int
    openness: float | None
    sure: bool = True
    lids_visible: bool = True


@dataclass(frozen=True, slots=True)
class EyeCrop:
    """One eye cut out of one frame.

    Attributes:
        preview: the crop as far as the picture reaches, longest side at most 512 px.
        network_input: the same crop as the classifier sees it, squeezed to a square.
        quality: measured on what `network_input` has of the picture.
        box: of the crop, in whole pixels of the upright picture as it was sent, inside of it.
        place: of the preview in `network_input`, in shares; the crop may reach beyond the picture.
        side_from: see `EyeRegion`.
    """

    side: EyeSide
    source: EyeSource
    preview: RgbImage
    network_input: RgbImage
    quality: CropQuality
    box: Box
    place: Box
    side_from: SideSource | None = None


@dataclass(frozen=True, slots=True)
class EyePrediction:
    """What the classifier says of one crop.

    Attributes:
        probabilities: one per class, calibrated if the model's card has a temperature.
        heatmaps: one Grad-CAM map per class, at the layer's own resolution; None where the map is flat.
        unfamiliarity: how unlike the training pictures the crop is, 0 or more; 1 is as unlike as 1 in 40 healthy eyes
            that the training had left out. None where the model's card has no statistics of its training pictures.
        other_condition: probability (0-1) that the eye has something that is none of the classes. None where the
            model's card says nothing of such eyes.
    """

    probabilities: Probabilities
    heatmaps: tuple[Heatmap | None, ...]
    unfamiliarity: float | None = None
    other_condition: float | None = None


@dataclass(frozen=True, slots=True)
class EyeReport:
    """What is said of one eye over all frames in which it was seen.

    Attributes:
        probabilities: mean over those frames.
        best_class: index of the largest mean probability.
        preview: crop of the sharpest of those frames.
        overlay: the best class's heatmap laid over `preview`, same size; None where the map is flat, or nobody asked.
        source: how the eye was found in that frame.
        confidence: the best class's mean probability, 0-1.
        reasons: why the answer is not sure, in the order of `Reason`; empty where nothing speaks against it.
        box: where the eye is in that frame, see `EyeCrop`.
        side_from: the best of what those frames know it from; None where the side is unknown.
        unfamiliarity: median over those frames, see `EyePrediction`; None without statistics.
        expected_precision: how often (0-1) such an answer is right, see `Reliability`; None where nobody knows.
    """

    side: EyeSide
    probabilities: Probabilities
    best_class: int
    frames_seen: int
    preview: RgbImage
    overlay: RgbImage | None
    source: EyeSource
    confidence: float
    reasons: tuple[Reason, ...]
    box: Box
    side_from: SideSource | None = None
    unfamiliarity: float | None = None
    expected_precision: float | None = None

    @property
    def inconclusive(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class FrameFailure:
    """A frame that could not be used, and why; `index` is its 0-based position in the request."""

    index: int
    error: EyeNetError


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """The answer to one request.

    Attributes:
        eyes: the left one, the right one or both, or one of unknown side; none only where no frame could be used.
        failures: the frames that could not be used, in their order.
        faces_seen: the most whole faces in one frame; 0 where eyes were found without one.
    """

    eyes: dict[EyeSide, EyeReport]
    failures: tuple[FrameFailure, ...]
    faces_seen: int = 0


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What there is to know of the loaded model.

    Attributes:
        sha256: of the .h5 file, hexadecimal.
        device: what it runs on, `CPU` or `GPU: <name>`.
        tensorflow: version of TensorFlow.
        calibrated: whether a score of 90 % means right in about nine cases of ten, over all classes together and not in
            each; so says the model's card.
        precision: of its multiplications: float32, bfloat16 or tensorfloat32.
    """

    name: str
    sha256: str
    classes: tuple[str, ...]
    grad_cam_layer: str
    device: str
    tensorflow: str
    calibrated: bool
    precision: str

    @property
    def short_hash(self) -> str:
        """See the function of that name."""
        return short_hash(self.sha256)
