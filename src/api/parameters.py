"""What a client may say of its pictures beside them: in the query, and for an upload in the body, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from urllib.parse import unquote

from robyn import Request

from src.core.errors import InvalidPayload
from src.core.types import EyeSide


class PreviewFormat(str, Enum):
    """As what the pictures in an answer are encoded."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    NONE = "none"


WORDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "mirrored": {"true": True, "false": False},
    "eye": {"left": EyeSide.LEFT, "right": EyeSide.RIGHT},
    "previews": {form.value: form for form in PreviewFormat},
}
"""The parameters, with what each word of theirs means. No other word is one, also not in capitals."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a client said; None where it said nothing.

    Attributes:
        mirrored: the pictures are, as those of selfie cameras.
        eye: which eye an upload shows, the person's own.
        previews: as what the pictures in the answer are encoded.
    """

    mirrored: bool | None = None
    eye: EyeSide | None = None
    previews: PreviewFormat | None = None

    @property
    def preview_format(self) -> PreviewFormat:
        return self.previews or PreviewFormat.PNG

    @property
    def wants_pictures(self) -> bool:
        return self.previews is not PreviewFormat.NONE


def told_in_query(request: Request, *names: str) -> Told:
    """What the query says under these names; others are ignored. Robyn leaves the decoding to us (RFC 3986, 2.1).

    Raises:
        InvalidPayload: another word, or two different ones.
    """
    found: dict[str, set[str]] = {}
    for key, values in request.query_params.to_dict().items():
        if (name := unquote(key)) in names:
            found.setdefault(name, set()).update(map(unquote, values))
    return Told(**{name: _meaning("query", name, words) for name, words in found.items()})


def told_in_form(fields: Mapping[str, str], *names: str) -> Told:
    """What the fields of a form say under these names; others, and empty ones, are ignored.

    Raises:
        InvalidPayload: another word.
    """
    return Told(**{name: _meaning("form", name, {fields[name]}) for name in names if fields.get(name)})


def agreed(query: Told, body: Told) -> Told:
    """What the two say together.

    Raises:
        InvalidPayload: they contradict each other.
    """
    together: dict[str, Any] = {}
    for name in WORDS:
        said = {getattr(told, name) for told in (query, body)} - {None}
        if len(said) > 1:
            raise InvalidPayload(f"{name} has one value in the query and another in the body; send it once.")
        together[name] = next(iter(said), None)
    return Told(**together)


def _meaning(place: str, name: str, words: set[str]) -> Any:
    known = WORDS[name]
    if not words <= known.keys():
        raise InvalidPayload(f"The {place}: {name} must be {_either(list(known))}.")
    if len(words) > 1:
        raise InvalidPayload(f"The {place}: {name} has two different values; send it once.")
    return known[words.pop()]


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
