"""Data URIs and bare base64, read as browsers read them (WHATWG Fetch, "data: URLs"; Infra, "forgiving-base64").

pybase64 takes a twentieth of the standard library's time, holds the interpreter's lock for that much less, and refuses
the same texts on every Python: the library's own `validate=True` lets superfluous padding pass on some.
"""

from __future__ import annotations

import re

import numpy as np
import pybase64

from src.core.errors import NotBase64

_WHITESPACE = b" \t\r\n\f"
# What a URL may have around it: blanks and control characters.
_AROUND = "".join(map(chr, range(0x21)))
# Up to the comma before the data.
_HEADER = re.compile(r"[\0-\x20]*data:([^,]*)(,?)", re.IGNORECASE)
_BEYOND_ASCII = re.compile(r"[^\0-\x7f]")
_ADDRESS = re.compile(r"[\0-\x20]*(blob|https?|ftp|file|filesystem|content|cid|ph|assets-library):", re.IGNORECASE)
_IS_BASE64 = re.compile(r";\s*base64\s*(;|$)", re.IGNORECASE)
_URL_SAFE = re.compile(r"[A-Za-z0-9_=\s-]*")
_PIECE_BYTES = 1 << 20
_HEXADECIMAL = np.full(256, 255, np.uint8)
for _digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
    _HEXADECIMAL[np.frombuffer(_digits, np.uint8)] = range(16)


def decode_data_uri(text: str) -> bytes:
    """The bytes behind `data:<type>;base64,<data>` or bare base64.

    The declared type is not looked at: what the bytes are, the bytes say. More than browsers do, `;base64` is found
    wherever it stands before the comma.

    Raises:
        NotBase64: empty, not base64, or an address of something else; the sentence says what to send.
    """
    header = _HEADER.match(text)
    is_uri = header is not None
    # A character outside ASCII is not in base64, and every copy of such a text would take up to four times the memory.
    start = 0 if header is None else _end_of_header(text, header)
    is_ascii = text.isascii() or not _BEYOND_ASCII.search(text, start)
    data = _decoded(text[start:].rstrip(_AROUND), is_uri=is_uri) if is_ascii else None
    if data is None:
        raise NotBase64(_why_not_base64(text[start:] if is_ascii else "", is_uri=is_uri))
    if not data:
        raise NotBase64("the picture is empty; send one")
    return data


def _end_of_header(text: str, header: re.Match[str]) -> int:
    if not header[2]:
        raise NotBase64("the data URI has no comma and nothing behind it; send data:image/png;base64,...")
    if not _IS_BASE64.search(text, *header.span(1)):
        raise NotBase64("the data URI is not base64-encoded; send data:image/png;base64,...")
    return header.end()


def _decoded(encoded: str, *, is_uri: bool) -> bytes | None:
    """None where it is not base64."""
    try:
        return pybase64.b64decode(encoded, validate=True)
    except ValueError:
        # What follows is rare, and copies: wrapped lines, no padding, and what is only in URLs.
        data = bytearray(encoded, "ascii")
    if is_uri and b"#" in data:
        del data[data.index(b"#") :]
    if is_uri and b"%" in data:
        data = _percent_decoded(data)
    data = data.translate(None, _WHITESPACE)
    if not data.endswith(b"="):
        data += b"=" * (-len(data) % 4)
    try:
        return pybase64.b64decode(data, validate=True)
    except ValueError:
        return None


def _percent_decoded(data: bytearray) -> bytearray:
    """WHATWG URL, "percent-decode": over arrays, because there may be millions of escapes, and of a piece at a time,
    because it takes ten of them.
    """
    decoded, start = bytearray(), 0
    while start < len(data):
        end = start + _PIECE_BYTES
        # An escape is not cut in two.
        end = next((place for place in (end - 1, end - 2) if data[place : place + 1] == b"%"), end)
        source = np.frombuffer(data, np.uint8)[start:end]
        high, low = _HEXADECIMAL[source[1:-1]], _HEXADECIMAL[source[2:]]
        escapes = (source[:-2] == ord("%")) & (high < 16) & (low < 16)
        piece, kept = source.copy(), np.ones(len(source), np.bool_)
        piece[:-2][escapes] = (high << 4 | low)[escapes]
        kept[1:-1][escapes] = False
        kept[2:][escapes] = False
        decoded += piece[kept].tobytes()
        start = end
    return decoded


def _why_not_base64(encoded: str, *, is_uri: bool) -> str | None:
    """A better sentence than the usual one, where one is known."""
    if not is_uri and _ADDRESS.match(encoded):
        return "the text is an address, which the service does not follow; send the picture: data:image/png;base64,..."
    if ("-" in encoded or "_" in encoded) and _URL_SAFE.fullmatch(encoded):
        return "the text has - or _ in it, as URL-safe base64 has; send the standard alphabet, with + and / there"
    return "what follows the comma is not base64; send data:image/png;base64,..." if is_uri else None


def encode_data_uri(data: bytes, media_type: str) -> str:
    """`data:<media_type>;base64,<data>`."""
    return f"data:{media_type};base64,{pybase64.b64encode_as_string(data)}"
