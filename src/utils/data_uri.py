"""Data URIs (RFC 2397) and bare base64 (RFC 4648, section 4).

pybase64 takes a twentieth of the standard library's time, holds the interpreter's lock for that much less, and refuses
the same texts on every Python: the library's own `validate=True` lets superfluous padding pass on some.
"""

from __future__ import annotations

import binascii

import pybase64

from src.core.errors import NotBase64

_WHITESPACE = {ord(character): None for character in " \t\r\n"}


def decode_data_uri(text: str) -> bytes:
    """The bytes behind `data:<type>;base64,<data>` or bare base64.

    The declared type is not looked at: what the bytes are, the bytes say. Line breaks inside the base64 are
    accepted, because that is how command-line tools write it.

    Raises:
        NotBase64: empty, not base64, or a data URI that is not base64-encoded.
    """
    # A character outside ASCII is in neither, and every copy of such a text would take up to four times the memory.
    if not text.isascii():
        raise NotBase64
    if text[:5].lower() == "data:":
        header, comma, encoded = text.partition(",")
        if not comma or not header.lower().endswith(";base64"):
            raise NotBase64("the data URI is not base64-encoded; send data:image/png;base64,...")
    else:
        encoded = text
    try:
        data = _decode(encoded)
    except (binascii.Error, ValueError):
        raise NotBase64 from None
    if not data:
        raise NotBase64("the picture is empty")
    return data


def _decode(encoded: str) -> bytes:
    try:
        return pybase64.b64decode(encoded, validate=True)
    except binascii.Error:
        # Line-wrapped base64 is rare: the copy without line breaks is made only when the fast path fails.
        return pybase64.b64decode(encoded.translate(_WHITESPACE), validate=True)


def encode_data_uri(data: bytes, media_type: str) -> str:
    """`data:<media_type>;base64,<data>`."""
    return f"data:{media_type};base64,{pybase64.b64encode_as_string(data)}"
