"""Data URIs and bare base64, as browsers and command-line tools write them."""

from __future__ import annotations

import base64
import textwrap

import pytest

from src.core.errors import NotBase64
from src.utils.data_uri import decode_data_uri, encode_data_uri

DATA = bytes(range(256)) * 5
ENCODED = base64.b64encode(DATA).decode()


@pytest.mark.parametrize(
    "header",
    [
        "data:image/png;base64,",
        "data:image/jpeg;base64,",
        "data:;base64,",
        "data:image/png;charset=utf-8;base64,",
        "DATA:image/png;BASE64,",
        "Data:Image/PNG;Base64,",
        "",
    ],
)
def test_reads_a_data_uri_of_any_type_and_bare_base64(header: str) -> None:
    assert decode_data_uri(header + ENCODED) == DATA


@pytest.mark.parametrize("line_break", ["\n", "\r\n", " ", "\n\t"])
@pytest.mark.parametrize("header", ["", "data:image/png;base64,"])
def test_reads_base64_that_a_command_line_tool_has_wrapped(header: str, line_break: str) -> None:
    wrapped = line_break.join(textwrap.wrap(ENCODED, 76)) + line_break
    assert decode_data_uri(header + wrapped) == DATA


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        "****",
        "QUJD*REV",
        "A",
        "QUJDR",
        "=QUI",
        "QUJD=",
        "QQ=",
        "QQ===",
        "QUJD\0REVG",
        "data:image/png;base64,%%%%",
        "https://example.org/eye.png",
        "ÄÖÜß",
        "QUJD\N{ZERO WIDTH SPACE}",
        "data:image/png;base64",
        "data:",
    ],
)
def test_refuses_what_is_not_base64(text: str) -> None:
    with pytest.raises(NotBase64):
        decode_data_uri(text)


@pytest.mark.parametrize(
    "text",
    ["data:image/svg+xml;utf8,<svg/>", "data:image/svg+xml,%3Csvg%2F%3E", "data:,Hello", "data:text/plain,base64,"],
)
def test_refuses_a_data_uri_in_another_encoding_and_says_so(text: str) -> None:
    with pytest.raises(NotBase64, match="is not base64-encoded"):
        decode_data_uri(text)


@pytest.mark.parametrize("text", ["", " ", "\n", "data:image/png;base64,", "data:;base64, \r\n"])
def test_refuses_an_empty_picture_and_says_so(text: str) -> None:
    with pytest.raises(NotBase64, match="empty"):
        decode_data_uri(text)


@pytest.mark.parametrize("text", ["s3cret*", "data:s3cret,x", "data:s3cret;base64,*"])
def test_the_refusal_never_quotes_the_text(text: str) -> None:
    with pytest.raises(NotBase64) as refusal:
        decode_data_uri(text)
    assert "s3cret" not in str(refusal.value)


def test_what_is_encoded_is_a_data_uri_that_decodes_to_the_same() -> None:
    encoded = encode_data_uri(DATA, "image/png")
    assert encoded == f"data:image/png;base64,{ENCODED}"
    assert decode_data_uri(encoded) == DATA
