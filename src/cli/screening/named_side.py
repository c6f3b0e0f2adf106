"""Which eye a file shows, where its name or its folder's says so."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

from src.core.types import EyeSide

_SIDES: Final = {
    **dict.fromkeys(("od", "re", "r", "right", "righteye"), EyeSide.RIGHT),
    **dict.fromkeys(("os", "le", "l", "left", "lefteye"), EyeSide.LEFT),
    "ou": EyeSide.UNKNOWN,
}
_LETTERS: Final = ("r", "l")
_WORDS: Final = frozenset(word for word in _SIDES if len(word) > 2)
# However they are written, these are other words: "CopyRight", "LeftOver".
_OTHER_WORDS: Final = frozenset({"copyright", "upright", "outright", "downright", "copyleft", "leftover", "leftovers"})

# An apostrophe separates no words: "l'oeil" is not the left one.
_PART = re.compile(r"[^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W_]+)*")
# Nothing but a number may touch an abbreviation: "OD12" and "patient001OD" say a side, "macOS" and "R2D2" none.
_ABBREVIATION = re.compile(r"(?:[a-z]*[0-9]+)?(od|os|ou|re|le)|(od|os|ou|re|le)[0-9]+")
_LETTER_RUN = re.compile(r"[^\W\d_]+")
_CASE_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COPY_NUMBER = re.compile(r"\s*\([0-9]+\)$")


def side_in_name(name: str) -> EyeSide | None:
    """The person's left or right eye, by the file's name or else by the innermost folder that says any; None: not said.

    `name` is relative to the screened folder, with `/`. Said by: OD, RE, right and OS, LE, left, in any case, between
    separators or beside numbers, the two long words also where the case changes (`imgLeft`); R and L where they are the
    first or last of the name's words. Who says both, or OU, says neither, and no folder is asked then.
    """
    path = PurePosixPath(unicodedata.normalize("NFC", name))
    for words in (path.stem, *reversed(path.parent.parts)):
        sides = _sides_in(words)
        if sides:
            return next(iter(sides)) if sides in ({EyeSide.LEFT}, {EyeSide.RIGHT}) else None
    return None


def _sides_in(words: str) -> set[EyeSide]:
    parts = _PART.findall(_COPY_NUMBER.sub("", words))
    said = [part.lower() for part in (*parts[:1], *parts[-1:]) if part.lower() in _LETTERS]
    for part in parts:
        abbreviation = _ABBREVIATION.fullmatch(part.lower())
        if abbreviation:
            said.append(abbreviation[1] or abbreviation[2])
        for run in _LETTER_RUN.findall(part):
            if run.lower() not in _OTHER_WORDS:
                said += [word for word in map(str.lower, _CASE_CHANGE.split(run)) if word in _WORDS]
    return {_SIDES[word] for word in said}
