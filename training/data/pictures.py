"""The labelled pictures of a folder, and what their file names say about where they come from."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from src.core.errors import EyeNetError
from src.core.types import RgbImage
from src.utils.files import sha256_of
from src.utils.image_codec import decode_picture

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
_MAX_PIXELS = 40_000_000

_DUPLICATE_GROUP = re.compile(r"^[a-z]\d{3,}$")
_EYE_OF_A_PORTRAIT = re.compile(r"__eye[LR]?$")
_LAST_NUMBER = re.compile(r"(\d+)\D*$")

HASH_DIGITS = 12
"""Of each training picture's SHA-256, as the card lists them."""


def _known(file: str) -> dict[str, Any]:
    """What people found out about the pictures that this model is made of; other pictures need files of their own."""
    known: dict[str, Any] = json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return known


ORIGINS: Final = _known("origins.json")
"""Of the publishers of these pictures.

- `same_patient_as`: origins that may show the same person, so that one counts as part of the other when they are split;
- `webcam_like`: eyes cut out of pictures of phones and webcams: the nearest to what the service sees;
- `limitations`: what these pictures are too few or too much alike for, a sentence each;
- `licence`: under which they were published.
"""

DOUBTFUL_GROUPS: Final = frozenset(
    (name, f"{origin}/{group}")
    for name, origins in _known("doubtful.json").items()
    for origin, groups in origins.items()
    for group in groups
)
"""Pairs of class and duplicate group: pictures that do not show what their publishers say. Nothing is learnt from them,
but they are tested on as labelled: leaving them out there as well would make the figures better than they are.

Found by looking at all close-ups of the two origins, not by a physician: a clear dark pupil in a "cataract", a white
eye in a "conjunctivitis".
"""


class UnusablePictures(Exception):
    """Nothing can be learnt from pictures like these; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One file in one class folder.

    Attributes:
        label: index into the classes.
        origin: who published it; origins that share a patient share this name.
        group: pictures of one group are copies or the two eyes of one portrait; unique over the data set.
        number: the last number in the original name; neighbouring numbers often show the same person.
    """

    file: Path
    label: int
    origin: str
    group: str
    number: int

    def read(self) -> RgbImage:
        """The pixels, as the service would decode them.

        Raises:
            UnusablePictures: the file cannot be read, or is no picture that the service takes.
        """
        try:
            return decode_picture(self.file.read_bytes(), _MAX_PIXELS)
        except OSError as error:
            raise UnusablePictures(f"{self.file} cannot be read: {error.strerror}") from error
        except EyeNetError as error:
            raise UnusablePictures(f"{self.file}: {error}") from error


def find_pictures(folder: Path, classes: Sequence[str], *, all_classes: bool = True) -> list[LabelledPicture]:
    """All pictures of the class folders in `folder`, ordered by class and name.

    File names may be `<origin>_<duplicate group>_<original name>.<suffix>`, the group being a letter and digits, or
    `<origin>_<original name>.<suffix>`: then each picture is a group of its own. A name without an underscore has the
    origin `unnamed`.

    Without `all_classes`, one class with pictures is enough.

    Raises:
        FileNotFoundError: a class, or without `all_classes` every class, has no folder or no picture.
    """
    pictures: list[LabelledPicture] = []
    for label, name in enumerate(classes):
        files = sorted(file for file in folder.glob(f"{name}/*") if file.suffix.lower() in SUFFIXES)
        if not files and all_classes:
            raise FileNotFoundError(f"no pictures in {folder / name}; each class needs a folder of its name")
        pictures += [_parse(file, label) for file in files]
    if not pictures:
        raise FileNotFoundError(f"no pictures in {folder}; it needs a folder named {' or '.join(classes)}")
    return pictures


def _parse(file: Path, label: int) -> LabelledPicture:
    origin, underscore, rest = file.stem.partition("_")
    if not underscore:
        origin, rest = "unnamed", file.stem
    group, _, original = rest.partition("_")
    if not _DUPLICATE_GROUP.match(group):
        group, original = _EYE_OF_A_PORTRAIT.sub("", rest), rest
    number = _LAST_NUMBER.search(original)
    return LabelledPicture(
        file=file,
        label=label,
        origin=ORIGINS["same_patient_as"].get(origin, origin),
        group=f"{origin}/{group}",
        number=int(number[1]) if number else 0,
    )


def is_doubtful(picture: LabelledPicture) -> bool:
    """Whether nothing is learnt from the picture, because its label is wrong; its folder's name is its class."""
    return (picture.file.parent.name, picture.group) in DOUBTFUL_GROUPS


def count_trained_on(pictures: Sequence[LabelledPicture], model_file: Path) -> dict[str, int] | None:
    """`{"pictures": trained on, "of": all}`; None if the card beside the model does not list its pictures.

    Only the same file is recognised: a copy of another size or compression is not.
    """
    try:
        card = json.loads(model_file.with_suffix(".json").read_text(encoding="utf-8"))
        if card["sha256"] != sha256_of(model_file):
            return None
        hashes = set(card["training_data"]["picture_hashes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    trained_on = sum(sha256_of(picture.file)[:HASH_DIGITS] in hashes for picture in pictures)
    return {"pictures": trained_on, "of": len(pictures)}
