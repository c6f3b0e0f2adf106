"""Data URIs and bare base64, as browsers and command-line tools write them."""

from __future__ import annotations

import base64
import textwrap

import pytest

from src.core.errors import NotBase64
from src.utils.data_uri import decode_data_uri, encode_data_uri

DATA = bytes(range(256)) * 5
ENCODED = base64.b64encode(DATA).decode()


# Each without a blank in it.
NOT_BASE64 = (
    "**** QUJD*REV A QUJDR =QUI QUJD= QQ= QQ=== QUJD\0REVG ÄÖÜß QUJD\N{ZERO WIDTH SPACE} https://example.org/eye.png "
    "data: data:image/png;base64,%%%% data:image/png;base64 s3cret* data:s3cret,x data:s3cret;base64,*"
)
NOT_ENCODED = (
    "data:image/svg+xml;utf8,<svg/> data:image/svg+xml,%3Csvg%2F%3E data:,Hello data:text/plain,base64, data:s3cret,x"
)
REFUSED: dict[str | None, list[str]] = {
    None: ["not base64!", *NOT_BASE64.split()],
    "is not base64-encoded": NOT_ENCODED.split(),
    "empty": ["", " ", "\n", "data:image/png;base64,", "data:;base64, \r\n"],
}


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


@pytest.mark.parametrize(("text", "sentence"), [(text, sentence) for sentence in REFUSED for text in REFUSED[sentence]])
def test_refuses_what_is_not_base64_and_does_not_quote_it(text: str, sentence: str | None) -> None:
    with pytest.raises(NotBase64, match=sentence) as refusal:
        decode_data_uri(text)
    assert "s3cret" not in str(refusal.value)


def test_what_is_encoded_is_a_data_uri_that_decodes_to_the_same() -> None:
    encoded = encode_data_uri(DATA, "image/png")
    assert encoded == f"data:image/png;base64,{ENCODED}"
    assert decode_data_uri(encoded) == DATA
