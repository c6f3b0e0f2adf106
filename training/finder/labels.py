"""The labelled photos of a folder: where the eyes are in each, by a data file that people have looked through."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Floats, RgbImage
from src.utils import geometry
from src.utils.image_codec import decode_picture

LABELS: Final = Path(__file__).with_name("eyes.json")
_MAX_PIXELS = 40_000_000
_MIRRORED = [3, 2, 1, 0, 5, 4]
"""Where each point of an outline comes from when left and right change places."""


@dataclass(frozen=True, slots=True)
class LabelledEye:
    """One eye in pixels of its picture.

    Attributes:
        outline: as in `EyeRegion`.
        iris: centre and radius (x, y, radius); None where it is not to be seen.
        inner_on_left: whether the corner at the nose is the one on the left: the person's left eye, in a picture that
            is not mirrored. None where nobody can tell.
        uncertain: nothing is learnt from it, neither that there is an eye nor that there is none.
    """

    outline: Floats
    iris: tuple[float, float, float] | None
    inner_on_left: bool | None
    uncertain: bool = False

    @property
    def centre(self) -> Floats:
        return geometry.between_corners(self.outline)

    @property
    def width(self) -> float:
        return geometry.corner_distance(self.outline)

    @property
    def angle(self) -> float:
        """Radians, clockwise in the picture, from the one corner to the other."""
        x, y = self.outline[3] - self.outline[0]
        return float(np.arctan2(y, x))

    def moved(self, matrix: Floats) -> LabelledEye:
        """In the pixels that a 2 x 3 matrix leads to."""
        outline = self.outline @ matrix[:, :2].T + matrix[:, 2]
        size = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        iris = None
        if self.iris is not None:
            x, y = matrix[:, :2] @ np.array(self.iris[:2]) + matrix[:, 2]
            iris = (float(x), float(y), self.iris[2] * size)
        mirrored = bool(np.linalg.det(matrix[:, :2]) < 0)
        inner = None if self.inner_on_left is None else self.inner_on_left != mirrored
        return LabelledEye(outline[_MIRRORED] if mirrored else outline, iris, inner, self.uncertain)

    def as_uncertain(self) -> LabelledEye:
        return replace(self, uncertain=True)


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A picture, in grey, uint8 HxW, and all eyes in it.

    Attributes:
        name: folder and file; `is_face` is told by the folder.
        note: what those who collected it say of it.
    """

    name: str
    file: Path
    grey: npt.NDArray[np.uint8]
    eyes: tuple[LabelledEye, ...]
    note: str = ""

    @property
    def is_face(self) -> bool:
        return self.name.startswith(("faces/", "no_visible_eyes/"))

    @property
    def origin(self) -> str:
        return self.name.rpartition("/")[2].partition("_")[0]

    def read(self) -> RgbImage:
        """The pixels in colour, as the service would decode them."""
        return decode_picture(self.file.read_bytes(), _MAX_PIXELS)


def load_photos(data: Path, labels: Path = LABELS) -> list[LabelledPhoto]:
    """All labelled photos that are in the folder, in the order of their names.

    Raises:
        FileNotFoundError: not one of them is there.
    """
    known: dict[str, list[list[float | None]]] = json.loads(labels.read_text(encoding="utf-8"))
    notes = _notes(data / "SOURCES.tsv")
    photos = []
    for name, eyes in sorted(known.items()):
        file = data / name
        if file.is_file():
            rgb = decode_picture(file.read_bytes(), _MAX_PIXELS)
            grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
            photos.append(LabelledPhoto(name, file, grey, tuple(map(_eye, eyes)), notes.get(name, "")))
    if not photos:
        raise FileNotFoundError(f"none of the labelled photos is in {data}")
    return photos


LEFT_OUT_ORIGINS: Final = frozenset(
    {
        *("lfw", "nielsr2", "vladmandic"),
        *("detectorcataract", "musttoprak", "edu-rinaldi", "marziariso", "rox38431", "norton-chris", "vizia-project"),
    }
)
"""Whole collections of faces and of close-ups on which the finder is measured; of the origins in `_CUT_ORIGINS`, which
are too large to be left out, the last third of their names, because neighbours show the same person."""
_CUT_ORIGINS = frozenset({"chandrikadeb7", "jaybfn", "minhkemm", "li-chongyi"})


def left_out(photos: Sequence[LabelledPhoto]) -> npt.NDArray[np.bool_]:
    """Which photos nothing is learnt from while the finder is measured."""
    by_origin: dict[tuple[str, str], list[int]] = {}
    for index, photo in enumerate(photos):
        by_origin.setdefault((photo.name.partition("/")[0], photo.origin), []).append(index)
    chosen = np.zeros(len(photos), dtype=np.bool_)
    for (_, origin), members in by_origin.items():
        first = 0 if origin in LEFT_OUT_ORIGINS else len(members) - len(members) // 3
        if origin in LEFT_OUT_ORIGINS | _CUT_ORIGINS:
            chosen[members[first:]] = True
    return chosen


def _notes(sources: Path) -> dict[str, str]:
    if not sources.is_file():
        return {}
    with sources.open(encoding="utf-8", newline="") as rows:
        return {row["file"]: row["note"] or "" for row in csv.DictReader(rows, delimiter="\t")}


def _eye(numbers: list[float | None]) -> LabelledEye:
    """12 numbers of the outline, 3 of the iris or 3 nulls, side (1: inner corner on the left; 0; null), uncertain."""
    iris = None if numbers[12] is None else (numbers[12], numbers[13], numbers[14])
    side = None if numbers[15] is None else bool(numbers[15])
    outline = np.array(numbers[:12], dtype=np.float64).reshape(6, 2)
    return LabelledEye(outline, iris, side, bool(numbers[16]))  # type: ignore[arg-type]
