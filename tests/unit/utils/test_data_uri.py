"""Data URIs and bare base64, as browsers and command-line tools write them."""

from __future__ import annotations

import base64
import re
import textwrap
import tracemalloc
from urllib.parse import quote

import pytest

from src.core.errors import NotBase64
from src.utils.data_uri import decode_data_uri, encode_data_uri

DATA = bytes(range(256)) * 5
ENCODED = base64.b64encode(DATA).decode()


# Each without a blank in it.
NOT_BASE64 = (
    "**** QUJD*REV A QUJDR =QUI QUJD= QQ= QQ=== QUJD\0REVG ÄÖÜß QUJD\N{ZERO WIDTH SPACE} ./eye.png "
    "C:\\fakepath\\eye.png [object data:image/png;base64,%%%% s3cret* data:s3cret;base64,* data:;base64,QQ=== "
    "data:;base64,QUJD% "
    "data:;base64,QUJD%4 data:;base64,QUJD%4g data:;base64,%C3%A4 data:;base64,ä"
)
NOT_ENCODED = (
    "data:image/svg+xml;utf8,<svg/> data:image/svg+xml,%3Csvg%2F%3E data:,Hello data:text/plain,base64, data:s3cret,x "
    "data:base64,QUJD data:image/png;base64x,QUJD data:image/png;base=64,QUJD"
)
ADDRESSES = (
    "blob:https://example.org/s3cret https://example.org/eye.png HTTP://example.org/s3cret.png file:///C:/s3cret.png "
    "content://media/external/1 ftp://example.org/eye.png"
)
REFUSED: dict[str, list[str]] = {
    "base64": ["not base64!", *NOT_BASE64.split()],
    "is not base64-encoded; send data:image/png;base64,": NOT_ENCODED.split(),
    "has no comma": ["data:", "data:image/png;base64", "data:s3cret", "DATA:;BASE64;QUJD"],
    "is an address, which the service does not follow; send the picture": ADDRESSES.split(),
    "- or _ in it, as URL-safe base64 has; send the standard": ["QUJ-REVG", "QUJ_", "data:;base64,_-_-", "QQ-=\n"],
    "empty": ["", " ", "\n", "data:image/png;base64,", "data:;base64, \r\n", "data:;base64,#QUJD", "data:;base64,%0A"],
}


@pytest.mark.parametrize(
    "header",
    [
        "data:image/png;base64,",
        "data:image/jpeg;base64,",
        "data:;base64,",
        "data:image/png;charset=utf-8;base64,",
        "data:image/png;base64;charset=utf-8,",
        "data:image/png; base64,",
        "data:image/png ;base64 ,",
        "data:image/png;\tbase64,",
        "data:image/png;name=Auge\N{LATIN SMALL LETTER U WITH DIAERESIS}.png;base64,",
        "data:image/png;name=a%2Cb.png;base64;base64,",
        "DATA:image/png;BASE64,",
        "Data:Image/PNG;Base64,",
        " data:image/png;base64,",
        "\n\x00data:image/png;base64,",
        "",
        " ",
    ],
)
def test_reads_a_data_uri_of_any_type_and_bare_base64(header: str) -> None:
    assert decode_data_uri(header + ENCODED) == DATA
    assert decode_data_uri(header + ENCODED.rstrip("=")) == DATA


@pytest.mark.parametrize("data", [b"a", b"ab", b"abc", b"abcd", b"\xfb\xff\xfe" * 100], ids=len)
def test_reads_what_a_url_may_be_escaped_to(data: bytes) -> None:
    encoded = base64.b64encode(data).decode()
    for escaped in (
        quote(encoded, safe=""),
        quote(encoded, safe="").replace("%2B", "%2b").replace("%3D", "%3d"),
        "".join(f"%{ord(character):02x}" for character in encoded),
        encoded + "%0D%0A",
        f"%20{encoded}#fragment, and more",
    ):
        assert decode_data_uri(f"data:image/png;base64,{escaped}") == data


@pytest.mark.parametrize("shift", range(3))
def test_an_escape_is_not_cut_in_two_where_a_long_text_is_read_in_pieces(shift: int) -> None:
    data = bytes(range(256)) * 4096
    encoded = base64.b64encode(data).decode()
    escaped = " " * shift + "".join(f"%{ord(character):02x}" for character in encoded)
    assert decode_data_uri(f"data:;base64,{escaped}") == data


def test_bare_base64_is_no_url() -> None:
    for text in ("QUJD%0A", "QUJD#", "QUI%3D"):
        with pytest.raises(NotBase64):
            decode_data_uri(text)


@pytest.mark.parametrize("opening", ["", "data:", "data:;base64,"])
@pytest.mark.parametrize(
    "filling",
    ["%", "%4", "%41", "%0A", "\n", " A", "#", "-", "A-", "=", ";", ";a", "; ", ";base64x", "data:", "\N{EYE}"],
)
def test_a_text_that_is_nothing_but_rare_takes_neither_seconds_nor_much_memory(opening: str, filling: str) -> None:
    text = opening + filling * (4_000_000 // len(filling)) + "*"
    tracemalloc.start()
    with pytest.raises(NotBase64):
        decode_data_uri(text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 6 * 4_000_000


@pytest.mark.parametrize("line_break", ["\n", "\r\n", " ", "\n\t", "\f"])
@pytest.mark.parametrize("header", ["", "data:image/png;base64,"])
def test_reads_base64_that_a_command_line_tool_has_wrapped(header: str, line_break: str) -> None:
    wrapped = line_break.join(textwrap.wrap(ENCODED, 76)) + line_break
    assert decode_data_uri(header + wrapped) == DATA


@pytest.mark.parametrize(("text", "sentence"), [(text, sentence) for sentence in REFUSED for text in REFUSED[sentence]])
def test_refuses_what_is_not_base64_and_does_not_quote_it(text: str, sentence: str) -> None:
    with pytest.raises(NotBase64, match=re.escape(sentence)) as refusal:
        decode_data_uri(text)
    assert "s3cret" not in str(refusal.value)


def test_what_is_encoded_is_a_data_uri_that_decodes_to_the_same() -> None:
    encoded = encode_data_uri(DATA, "image/png")
    assert encoded == f"data:image/png;base64,{ENCODED}"
    assert decode_data_uri(encoded) == DATA
