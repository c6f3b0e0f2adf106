"""What the classifier is shown: each labelled picture as it is, and copies made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np

from src.core.types import Box, EyeRegion, Floats, RgbImage
from src.utils import geometry
from training.data.eyes import find_eyes, network_input_of
from training.data.pictures import LabelledPicture
from training.learning.network import CLASSES, INPUT_SIDE
from training.painting.blob import FloatMap
from training.painting.camera import draw_framing, framing_of, photograph
from training.painting.eye_opening import evidence_of_disease, opening_of
from training.painting.harmless_painter import paint_harmless
from training.painting.stye_painter import paint_stye
from training.painting.transplant import transplant

_PAINTED_ON = {"Cataract": 0.15, "Conjunctivitis": 0.35, "Healthy": 0.5}
"""Shares of the painted styes. Cataracts are mostly close-ups on which little lid is to be seen; red eyes need many, or
redness alone would tell conjunctivitis from a stye."""

EVIDENCE_SIDE = 28
"""Four places of the maps of evidence lie on each place of the network's own: they are moved with the picture."""

_AROUND_HOST = 5.0
"""Of the face into which an eye is put, so much is on the photo, over the width of its own eye."""
_LEAST_HOST = 24.0
"""Pixels of that."""

_FRAMING_ATTEMPTS = 20
_VISIBLE_STYE = 0.75
"""Least part of a painted bump that is on the sample: a stye that was cropped away would teach a wrong label."""


class SampleKind(str, Enum):
    """How a sample is made from its picture."""

    ORIGINAL = "original"
    PHOTOGRAPHED = "photographed"
    HARMLESS_PAINT = "harmless_paint"
    PAINTED_STYE = "painted_stye"
    TRANSPLANTED = "transplanted"


NATURAL = frozenset({SampleKind.ORIGINAL, SampleKind.PHOTOGRAPHED})
"""Those on which nothing is painted."""


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """How many copies of the pictures are made.

    Attributes:
        copies_per_class: aimed at for each class, painted styes apart.
        most_copies: of one picture.
        harmless_share: of the copies; these get harmless paint.
        transplanted_share: of the copies of all but styes, where there are hosts; these eyes are put into other faces.
        painted_styes: aimed at, on pictures of all other classes (see `_PAINTED_ON`); only the bump tells them apart.
    """

    copies_per_class: int = 2000
    most_copies: int = 50
    harmless_share: float = 0.25
    transplanted_share: float = 0.35
    painted_styes: int = 2200


@dataclass(frozen=True, slots=True)
class Sample:
    """One input of the network, not rendered yet: the index of its picture, how it is made of it, its class (another
    than the picture's for a painted stye), the seed of everything random in it, and the index of the face into which a
    transplanted eye is put.
    """

    picture: int
    kind: SampleKind
    label: int
    seed: int
    host: int = -1


def plan_samples(pictures: Sequence[LabelledPicture], plan: CopyPlan, seed: int, hosts: int = 0) -> list[Sample]:
    """The original of each picture and its copies, ordered by picture; `hosts` is how many faces there are."""
    per_class = Counter(picture.label for picture in pictures)
    stye = CLASSES.index("Stye")
    rng = np.random.default_rng(seed)
    samples: list[Sample] = []
    for index, picture in enumerate(pictures):
        kinds = [SampleKind.ORIGINAL]
        copies = plan.copies_per_class / per_class[picture.label]
        count = min(plan.most_copies, _round_at_random(copies, rng))
        kinds += [_kind_of_copy(plan, picture.label != stye and hosts > 0, rng) for _ in range(count)]
        if picture.label != stye:
            wanted = plan.painted_styes * _PAINTED_ON[CLASSES[picture.label]]
            styes = _round_at_random(wanted / per_class[picture.label], rng)
            kinds += [SampleKind.PAINTED_STYE] * styes
        for kind in kinds:
            label = stye if kind is SampleKind.PAINTED_STYE else picture.label
            host = int(rng.integers(hosts)) if kind is SampleKind.TRANSPLANTED else -1
            samples.append(Sample(index, kind, label, int(rng.integers(2**31)), host))
    return samples


def _kind_of_copy(plan: CopyPlan, may_move: bool, rng: np.random.Generator) -> SampleKind:
    draw = rng.random()
    if draw < plan.harmless_share:
        return SampleKind.HARMLESS_PAINT
    moved = may_move and draw < plan.harmless_share + plan.transplanted_share
    return SampleKind.TRANSPLANTED if moved else SampleKind.PHOTOGRAPHED


@dataclass(frozen=True, slots=True)
class RenderedSample:
    """Index into the planned samples, RGB uint8 INPUT_SIDE x INPUT_SIDE x 3, and the evidence: float32
    EVIDENCE_SIDE x EVIDENCE_SIDE, which part (0-1) of each place shows what its label is told by; all 0 where that is
    not known.
    """

    index: int
    picture: RgbImage
    evidence: FloatMap


def render_samples(
    pictures: Sequence[LabelledPicture], samples: Sequence[Sample], hosts: Sequence[Path] = ()
) -> Iterator[RenderedSample]:
    """The samples in their order, each of an eye that the service finds in its picture; `hosts` are photos of faces.

    Left out are those of pictures in which it finds none, painted ones where it is not sure of one, painted styes where
    the lids are not in the picture or the bump is on no sample, and transplanted eyes where one of the two has no lids.
    Samples of one picture should stand together, so that it is read and searched once.
    """
    for picture, members in groupby(enumerate(samples), key=lambda pair: pair[1].picture):
        rgb = pictures[picture].read()
        eyes = find_eyes(rgb)
        for index, sample in members:
            host = hosts[sample.host] if sample.kind is SampleKind.TRANSPLANTED else None
            rendered = _render(rgb, eyes, sample, host) if eyes else None
            if rendered is not None:
                yield RenderedSample(index, *rendered)


def _render(
    rgb: RgbImage, eyes: Sequence[EyeRegion], sample: Sample, host: Path | None
) -> tuple[RgbImage, FloatMap] | None:
    rng = np.random.default_rng(sample.seed)
    height, width = rgb.shape[:2]
    if sample.kind is SampleKind.ORIGINAL:
        return _original(rgb, eyes[0], sample)
    eye = eyes[int(rng.integers(len(eyes)))]
    if sample.kind is SampleKind.PAINTED_STYE:
        return _painted_stye(rgb, eye, rng)
    if host is not None:
        return _transplanted(rgb, eye, sample, host, rng)
    if eye.outline is None and sample.kind is SampleKind.HARMLESS_PAINT:
        # There is no telling where the lids are.
        return None
    opening = None if eye.outline is None else opening_of(eye.outline)
    mask = evidence_of_disease(CLASSES[sample.label], opening, height, width)
    framing = draw_framing(eye.outline, height, width, rng)
    if opening is not None and sample.kind is SampleKind.HARMLESS_PAINT:
        rgb = paint_harmless(rgb, opening, rng)
    return photograph(rgb, framing, INPUT_SIDE, rng), framing.coverage(mask, EVIDENCE_SIDE)


def _painted_stye(rgb: RgbImage, eye: EyeRegion, rng: np.random.Generator) -> tuple[RgbImage, FloatMap] | None:
    if eye.outline is None or not eye.lids_visible:
        return None
    height, width = rgb.shape[:2]
    stye = paint_stye(rgb, opening_of(eye.outline), rng)
    for _ in range(_FRAMING_ATTEMPTS):
        framing = draw_framing(eye.outline, height, width, rng, may_cut_off=False)
        if framing.visible_share(stye.mask) >= _VISIBLE_STYE:
            return photograph(stye.picture, framing, INPUT_SIDE, rng), framing.coverage(stye.mask, EVIDENCE_SIDE)
    return None


def _transplanted(
    rgb: RgbImage, eye: EyeRegion, sample: Sample, host: Path, rng: np.random.Generator
) -> tuple[RgbImage, FloatMap] | None:
    places = [place for place in eyes_of_host(host) if geometry.corner_distance(place[1]) >= _LEAST_HOST]
    if eye.outline is None or not eye.lids_visible or not places:
        return None
    face, outline = places[int(rng.integers(len(places)))]
    photo = transplant(rgb, eye.outline, face, outline, rng)
    height, width = photo.shape[:2]
    mask = evidence_of_disease(CLASSES[sample.label], opening_of(outline), height, width)
    framing = draw_framing(outline, height, width, rng)
    return photograph(photo, framing, INPUT_SIDE, rng), framing.coverage(mask, EVIDENCE_SIDE)


@cache
def eyes_of_host(photo: Path) -> list[tuple[RgbImage, Floats]]:
    """Each eye of a face that can take another's place: the part of the photo around it, and its outline there.

    Raises:
        UnusablePictures: the photo cannot be read.
    """
    rgb = LabelledPicture(photo, 0, "", "", 0).read()
    found = []
    for eye in find_eyes(rgb):
        if eye.outline is None or not (eye.sure and eye.lids_visible):
            continue
        reach = _AROUND_HOST * geometry.corner_distance(eye.outline)
        x, y = geometry.between_corners(eye.outline)
        region = geometry.clipped(Box(x - reach / 2, y - reach / 2, reach, reach), rgb.shape[1], rgb.shape[0])
        if region is not None:
            part, left, top = geometry.part_inside(rgb, region)
            found.append((part.copy(), eye.outline - (left, top)))
    return found


def _original(rgb: RgbImage, eye: EyeRegion, sample: Sample) -> tuple[RgbImage, FloatMap] | None:
    """Exactly what the classifier sees of it in the service."""
    network_input = network_input_of(rgb, eye, INPUT_SIDE)
    if network_input is None:
        return None
    height, width = rgb.shape[:2]
    opening = None if eye.outline is None else opening_of(eye.outline)
    mask = evidence_of_disease(CLASSES[sample.label], opening, height, width)
    return network_input, framing_of(eye.box, height, width).coverage(mask, EVIDENCE_SIDE)


def _round_at_random(value: float, rng: np.random.Generator) -> int:
    """Rounds up with the probability of the fraction, so that the sum over many comes out right."""
    return int(value) + int(rng.random() < value % 1)
