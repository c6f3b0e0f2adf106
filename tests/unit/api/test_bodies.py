"""A body is taken as what it is said to be, and a form's picture is found however the form comes."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pybase64
import pytest

from src.api.bodies import FORM_BEHIND_GATEWAY, SentForm, SentPicture, take_json, take_upload
from src.api.parameters import Told
from src.api.requests import parse_upload
from src.core.errors import BodyTooLarge, EyeNetError, InvalidPayload, UnsupportedContentType
from src.core.types import EyeSide, Frame

MEGABYTE = 1024 * 1024
PICTURE = b"\x89PNG\r\n--x\r\n\xff\0"
"""Not one, but with what a form has between its parts."""


def request_of(body: str | bytes, **others: Any) -> Any:
    return SimpleNamespace(**({"body": body, "files": {}, "form_data": {}, "headers": {}} | others))


class TestBody:
    @pytest.mark.parametrize("body", ["x" * MEGABYTE, b"\xff" * MEGABYTE, "", b""], ids=len)
    def test_one_up_to_the_limit_is_taken_as_it_is(self, body: str | bytes) -> None:
        assert take_json(request_of(body), 1) is body

    # Robyn hands over text where the body is UTF-8: the characters are fewer than the bytes that were sent.
    @pytest.mark.parametrize(
        "body",
        ["x" * (MEGABYTE + 1), b"\xff" * (MEGABYTE + 1), "ä" * (MEGABYTE // 2 + 1), "\N{EYE}" * (MEGABYTE // 4 + 1)],
        ids=len,
    )
    def test_one_of_more_bytes_than_the_limit_is_refused(self, body: str | bytes) -> None:
        with pytest.raises(BodyTooLarge, match="1 MiB"):
            take_json(request_of(body), 1)

    def test_one_character_does_not_make_it_four_times_as_large_in_memory(self) -> None:
        body = "x" * (MEGABYTE - 4) + "\N{EYE}"
        assert sys.getsizeof(body) > 4 * (MEGABYTE - 4)
        taken = take_json(request_of(body), 1)
        assert sys.getsizeof(taken) < MEGABYTE + 100
        assert taken == body.encode()

    def test_it_is_taken_away_from_the_servers_request(self) -> None:
        request = request_of("[]")
        take_json(request, 1)
        assert request.body == ""

    @pytest.mark.parametrize("form", [{"files": {"photo.png": b"x"}}, {"form_data": {"image": "x"}}], ids=str)
    def test_a_form_is_refused_before_it_has_to_wait(self, form: dict[str, Any]) -> None:
        with pytest.raises(UnsupportedContentType, match="send JSON, with Content-Type: application/json"):
            take_json(request_of("x", **form), 1)

    @pytest.mark.parametrize(
        "kind",
        ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;x=y", "", " "],
    )
    def test_json_and_what_says_no_type_are_taken(self, kind: str) -> None:
        assert take_json(request_of("[]", headers={"content-type": kind}), 1) == "[]"
        assert take_json(request_of("[]", headers={"content-encoding": "identity"}), 1) == "[]"

    @pytest.mark.parametrize(
        "kind",
        ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "text/plain; application/json",
         "multipart/form-data; boundary=x", "image/png", "application/octet-stream", "text/json", "application/jsonx",
         "json", "*/*", "application/json, x/y"],
    )  # fmt: skip
    def test_any_other_type_is_refused_whatever_the_body_is(self, kind: str) -> None:
        with pytest.raises(UnsupportedContentType, match="send JSON, with Content-Type: application/json"):
            take_json(request_of('[{"image": "AAAA"}]', headers={"content-type": kind}), 1)

    @pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, identity"])
    def test_a_compressed_body_is_told_so(self, coding: str) -> None:
        with pytest.raises(UnsupportedContentType, match=r"is compressed \(Content-Encoding\); send it uncompressed"):
            take_json(request_of(b"\x1f\x8b", headers={"content-encoding": coding}), 1)


def part(name: str, content: bytes, file: str = "") -> bytes:
    named = f'; filename="{file}"' if file else ""
    return b'--edge\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (
        name.encode(),
        named.encode(),
        content,
    )


def sent_form(*parts: bytes, end: bytes = b"--edge--\r\n", boundary: str = "edge") -> Any:
    """As the gateway hands it on."""
    return request_of(b"".join(parts) + end, headers={"content-type": f"{FORM_BEHIND_GATEWAY}; boundary={boundary}"})


def read_form(files: dict[str, bytes], **fields: str) -> Any:
    """As Robyn has read it."""
    glued = b"".join(files.values())
    return request_of(glued, files=files, form_data=fields, headers={"content-type": "multipart/form-data; boundary=x"})


def upload_of(request: Any) -> tuple[Frame, Told]:
    return parse_upload(take_upload(request, 1))


class TestUpload:
    def test_json_is_taken_as_for_the_other_route(self) -> None:
        assert take_upload(request_of("{}", headers={"content-type": "application/json"}), 1) == "{}"
        for kind in ("text/plain", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded"):
            with pytest.raises(UnsupportedContentType, match="a form with the picture, or the picture itself"):
                take_upload(request_of("{}", headers={"content-type": kind}), 1)

    @pytest.mark.parametrize("kind", ["image/jpeg", "Image/PNG", "image/heic; q=1"])
    @pytest.mark.parametrize("body", [PICTURE, "a text that is UTF-8 \N{EYE}"])
    def test_a_picture_as_it_is(self, kind: str, body: str | bytes) -> None:
        request = request_of(body, headers={"content-type": kind})
        assert upload_of(request) == (Frame(0, body if isinstance(body, bytes) else body.encode()), Told())
        assert request.body == ""

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({}, Told()),
            ({"eye": "right", "mirrored": "true"}, Told(True, EyeSide.RIGHT)),
            ({"eye": "", "mirrored": "", "previews": "none", "note": "x"}, Told()),
        ],
    )
    def test_a_form_with_a_file_by_either_way(self, fields: dict[str, str], told: Told) -> None:
        read = read_form({"eye.png": PICTURE}, **fields)
        assert upload_of(read) == (Frame(0, PICTURE), told)
        assert read.files == {}
        parts = [part(name, value.encode()) for name, value in fields.items()]
        assert upload_of(sent_form(*parts, part("image", PICTURE, "eye.png"))) == (Frame(0, PICTURE), told)

    def test_a_form_with_the_picture_as_text(self) -> None:
        text = "data:image/png;base64," + pybase64.b64encode(PICTURE).decode()
        assert upload_of(read_form({}, image=text)) == (Frame(0, PICTURE), Told())
        assert upload_of(sent_form(part("image", text.encode()))) == (Frame(0, PICTURE), Told())

    def test_a_file_of_another_part_is_not_taken_for_the_picture_where_parts_have_names(self) -> None:
        """Robyn forgets them."""
        both = sent_form(part("photo", b"other", "a.png"), part("image", PICTURE, "b.png"))
        assert upload_of(both) == (Frame(0, PICTURE), Told())

    @pytest.mark.parametrize(
        ("request_", "problem"),
        [
            (read_form({}), "has no picture"),
            (read_form({}, eye="left"), "has no picture"),
            (read_form({"a": b"1", "b": b"2"}), "has 2 pictures"),
            (read_form({"a": b"1"}, image="AAAA"), "has 2 pictures"),
            (read_form({"a": b""}), "The picture is empty"),
            (read_form({"a": b"1"}, eye="middle"), "The form: eye must be left or right"),
            (sent_form(), "has no picture"),
            (sent_form(part("photo", b"1", "a.png")), "has no picture"),
            (sent_form(*[part("image", b"1", "a.png")] * 3), "has 3 pictures"),
            (sent_form(part("image", b"", "a.png")), "The picture is empty"),
            (sent_form(part("image", b"1", "a.png"), part("mirrored", b"True")), "The form: mirrored must be true or"),
            (sent_form(part("image", b"1", "a.png"), end=b""), "cannot be read"),
            (sent_form(part("image", b"1", "a.png"), boundary=""), "cannot be read"),
            (sent_form(part("image", b"1", "a.png"), boundary="other"), "cannot be read"),
            (sent_form(b"--edge\r\nContent-Type: a\r\n\r\n1\r\n"), "cannot be read"),
            (sent_form(part("eye", b"\xff"), part("image", b"1", "a.png")), "cannot be read"),
            (sent_form(*[part("x", b"1")] * 33), "cannot be read"),
            (request_of("", headers={"content-type": "image/png"}), "The picture is empty"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said_without_a_word_of_it(self, request_: Any, problem: str) -> None:
        with pytest.raises(InvalidPayload, match=problem):
            upload_of(request_)

    @pytest.mark.parametrize(
        "request_",
        [
            request_of(b"\xff" * (MEGABYTE + 1), headers={"content-type": "image/png"}),
            read_form({"a": b"x" * (MEGABYTE + 1)}),
            read_form({}, image="x" * (MEGABYTE + 1)),
            request_of(
                b"x" * (MEGABYTE + 1),
                files={"a": b"x"},
                form_data={"note": "x" * MEGABYTE},
                headers={"content-type": "multipart/form-data; boundary=x"},
            ),
            sent_form(part("image", b"x" * MEGABYTE, "a")),
        ],
        ids=["picture", "file", "text", "parts", "form"],
    )
    def test_what_is_too_large_is_refused(self, request_: Any) -> None:
        with pytest.raises(BodyTooLarge, match="1 MiB"):
            take_upload(request_, 1)

    def test_what_is_compressed_is_told_so(self) -> None:
        for kind in ("image/png", "multipart/form-data; boundary=x", FORM_BEHIND_GATEWAY):
            with pytest.raises(EyeNetError, match="is compressed"):
                take_upload(request_of(b"x", headers={"content-type": kind, "content-encoding": "gzip"}), 1)

    def test_its_size_in_memory_is_that_of_what_was_sent(self) -> None:
        assert len(SentPicture(PICTURE)) == len(SentForm(PICTURE, "x")) == len(PICTURE)
