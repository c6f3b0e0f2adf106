"""Bodies become frames; what is wrong with them is said without a word of them."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pybase64
import pytest

from src.api.parameters import Told
from src.api.requests import parse_frames, parse_upload
from src.core.errors import (
    EyeNetError,
    InvalidJson,
    InvalidPayload,
    NotBase64,
    TooManyFrames,
)
from src.core.types import Box, EyeSide, Frame

MEGABYTE = 1024 * 1024
PRIVATE = "s3cret"
THREE_ZEROS = b"\0\0\0"
"""What AAAA is in base64."""
NO_NUMBERS = [
    '[{"image": "x", "score": NaN}]',
    '[{"image": "x", "score": NaN, "blur": 1e999}]',
    '[{"image": "x", "box": {"x": Infinity, "y": 1, "w": 1, "h": 1}}]',
]
ANY_VALUES = (
    "null", "0.9", "-1", "1e308", "-1e308", "1e999", "-1e999", "123456789012345678901234567890", "true", "false",
    "[]", "[1]", "[1,2,3,4]", "{}", '""', '"0.9"', '"NaN"', '"high"', '"1,2,3,4"',
    '{"x":null,"y":null,"w":null,"h":null}', '{"x":1,"y":2,"w":3}', '{"X":1}', '{"x":1,"y":2,"w":3,"h":null}',
    '{"x":"1","y":2,"w":3,"h":4}', '{"x":1,"y":2,"w":3,"h":1e999}', '{"x":[],"y":{},"w":true,"h":4}',
)  # fmt: skip
A_PICTURE = "The body is a picture itself; send JSON that has it as base64, or say its type to /upload: image/jpeg."
NOT_JSON = [
    "",
    b"",
    " ",
    "not json",
    PRIVATE,
    '{"image": ',
    "[{}",
    "{'image': 'x'}",
    "NaN",
    "[NaN]",
    b"\xff\xfe",
    "[1,]",
]


def frames_of(payload: Any, max_frames: int = 32) -> list[Frame]:
    frames, failures = parse_frames(json.dumps(payload), max_frames)
    assert failures == []
    return frames


def failure_of(frame: Any) -> EyeNetError:
    """Why this one frame could not be used."""
    frames, failures = parse_frames(json.dumps([frame]), 32)
    assert frames == []
    assert [failure.index for failure in failures] == [0]
    return failures[0].error


class TestValues:
    """A body may have few values that take memory, beside pictures as large as they like."""

    @pytest.mark.parametrize("value", ["[]", "{}", '{"a":1}', "1", "[[[]]]"])
    @pytest.mark.parametrize("as_bytes", [False, True])
    def test_more_than_any_client_has_are_refused_before_they_are_made(self, value: str, as_bytes: bool) -> None:
        text = "[" + ",".join([value] * 300_000) + "]"
        body = text.encode() if as_bytes else text
        tracemalloc.start()
        with pytest.raises(InvalidPayload, match=r"^The body has more than 200,000 values beside its pictures\.$"):
            parse_frames(body, 32)
        with pytest.raises(InvalidPayload, match="200,000"):
            parse_upload(body)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < len(text) / 2

    def test_all_landmarks_of_a_face_mesh_beside_each_of_32_frames_do_no_harm(self) -> None:
        landmarks = [{"x": 0.1, "y": 0.2, "z": 0.3}] * 478
        sent = [{"image": "AAAA", "landmarks": landmarks}] * 32
        assert len(frames_of(sent)) == 32

    @pytest.mark.parametrize("image", ["AAAA\N{EYE}", "ä", "data:image/png;base64,AAAA\N{EYE}"])
    def test_a_text_that_python_would_keep_in_four_times_the_memory_does_not_get_further(self, image: str) -> None:
        error = failure_of({"image": image})
        assert type(error) is NotBase64
        with pytest.raises(NotBase64, match=r"is not base64|nor base64"):
            parse_upload(json.dumps({"image": image}))


class TestFrames:
    def test_a_frame_has_all_that_was_sent(self) -> None:
        sent = {"image": "AAAA", "score": 0.95, "blur": 0.02, "box": {"x": 100, "y": 150.5, "w": 200, "h": 210}}
        assert frames_of([sent]) == [Frame(0, THREE_ZEROS, Box(100, 150.5, 200, 210))]

    @pytest.mark.parametrize("body", ['[{"image": "AAAA"}]', b'[{"image": "AAAA"}]', '\n[ {"image":"AAAA"} ]\n'])
    def test_text_and_bytes_are_read_alike(self, body: str | bytes) -> None:
        assert parse_frames(body, 32) == ([Frame(0, THREE_ZEROS)], [])

    @pytest.mark.parametrize("missing", ["score", "blur", "box"])
    def test_all_but_the_image_may_be_missing_or_null(self, missing: str) -> None:
        sent = {"image": "AAAA", "score": 1, "blur": 1, "box": {"x": 1, "y": 1, "w": 1, "h": 1}}
        without = {name: value for name, value in sent.items() if name != missing}
        assert frames_of([without]) == frames_of([{**sent, missing: None}])
        assert (frames_of([without])[0].box is None) == (missing == "box")

    def test_unknown_keys_are_ignored(self) -> None:
        box = {"x": 1, "y": 2, "w": 3, "h": 4, "angle": 5}
        assert frames_of([{"image": "AAAA", "id": 7, "box": box}]) == [Frame(0, THREE_ZEROS, box=Box(1, 2, 3, 4))]

    def test_frames_keep_their_order_and_know_their_place(self) -> None:
        frames = frames_of([{"image": f"AA{index:02}"} for index in range(32)])
        assert [frame.index for frame in frames] == list(range(32))
        assert [frame.data for frame in frames] == [pybase64.b64decode(f"AA{index:02}") for index in range(32)]

    def test_the_limit_is_allowed_and_one_more_is_not(self) -> None:
        assert len(frames_of([{"image": "AAAA"}] * 32, max_frames=32)) == 32
        with pytest.raises(TooManyFrames, match="33 frames; 32 are allowed"):
            frames_of([{"image": "A"}] * 33, max_frames=32)

    @pytest.mark.parametrize("number", [0, -1, 1e308, -1e308, 2**70, 0.5])
    def test_any_number_is_a_number(self, number: float) -> None:
        box = {"x": number, "y": number, "w": number, "h": number}
        (frame,) = frames_of([{"image": "AAAA", "score": number, "blur": number, "box": box}])
        assert frame.box == Box(number, number, number, number)

    @pytest.mark.parametrize(
        "beside", ['"label": "\\ud83d"', '"\\udc00": 1', '"score": "\\ud83d\\ud83d", "blur": 1e999']
    )
    def test_half_an_emoji_beside_the_picture_does_not_matter(self, beside: str) -> None:
        body = f'[{{"image": "AAAA", {beside}}}]'
        assert parse_frames(body, 32) == ([Frame(0, THREE_ZEROS)], [])
        assert parse_upload(body[1:-1]) == (Frame(0, THREE_ZEROS), Told())

    def test_half_an_emoji_in_the_picture_is_named(self) -> None:
        with pytest.raises(InvalidPayload, match="image has half a character in it"):
            parse_upload('{"image": "AAAA\\ud83d"}')

    @pytest.mark.parametrize("body", [*NOT_JSON, *NO_NUMBERS, "[" * 100_000, "1e999" + "[" * 100_000])
    def test_what_is_not_json_is_refused_on_both_routes(self, body: str | bytes) -> None:
        for parse in (lambda: parse_frames(body, 32), lambda: parse_upload(body)):
            with pytest.raises(InvalidJson) as refusal:
                parse()
            assert PRIVATE not in str(refusal.value)

    @pytest.mark.parametrize("payload", ["text", {}, {"image": "A"}, {"0": {"image": "A"}}, 5, None, True])
    def test_what_is_no_list_is_refused(self, payload: Any) -> None:
        with pytest.raises(InvalidPayload, match="must be a JSON array of frames"):
            parse_frames(json.dumps(payload), 32)

    def test_an_empty_list_is_refused(self) -> None:
        with pytest.raises(InvalidPayload, match="empty"):
            parse_frames("[]", 32)


class TestHints:
    """What a browser says beside a picture is used or not, and never a reason to refuse the picture."""

    @pytest.mark.parametrize("hint", ANY_VALUES)
    @pytest.mark.parametrize("name", ["score", "blur", "box"])
    @pytest.mark.parametrize("as_bytes", [False, True])
    def test_any_value_of_any_hint_leaves_the_picture_as_it_is(self, name: str, hint: str, as_bytes: bool) -> None:
        body = f'[{{"image": "AAAA", "{name}": {hint}}}]'
        assert parse_frames(body.encode() if as_bytes else body, 32) == ([Frame(0, THREE_ZEROS)], [])

    def test_a_box_that_can_be_used_is_used_beside_hints_that_cannot(self) -> None:
        box = {"x": 1, "y": 2, "w": 3, "h": 4}
        assert frames_of([{"image": "AAAA", "score": "high", "blur": {}, "box": box}])[0].box == Box(1, 2, 3, 4)


class TestOtherBodies:
    """What is no JSON is told what it is, where that can be known, and what to send."""

    @pytest.mark.parametrize("body", [b'\xef\xbb\xbf[{"image": "AAAA"}]', '\ufeff[{"image": "AAAA"}]'.encode()])
    def test_a_byte_order_mark_is_passed_over(self, body: bytes) -> None:
        assert parse_frames(body, 32) == ([Frame(0, THREE_ZEROS)], [])
        assert parse_upload(body.replace(b"[", b"").replace(b"]", b"")) == (Frame(0, THREE_ZEROS), Told())
        assert parse_frames(body.replace(b'"}', b'", "score": 1e999}'), 32) == ([Frame(0, THREE_ZEROS)], [])

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            *(('[{"image": "AAAA"}]'.encode(coding), "The body is UTF-16 or UTF-32 text; send JSON as UTF-8.")
              for coding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")),
            ('[\0]\0', "The body is UTF-16 or UTF-32 text; send JSON as UTF-8."),
            (gzip.compress(b"[]"), "The body is compressed; send it uncompressed."),
            *((zlib.compress(b"[]", level), "The body is compressed; send it uncompressed.") for level in (1, 6, 9)),
            (b"PK\3\4rest", "The body is compressed; send it uncompressed."),
            (b"\x89PNG\r\n\x1a\n", A_PICTURE),
            *((opening + bytes(16), A_PICTURE)
              for opening in (b"\xff\xd8\xff\xe0", b"RIFF\x10\0\0\0WEBPVP8 ", b"BM\x36\x30", b"GIF89a", b"II*\0\x08",
                              b"MM\0*", b"\0\0\0\x18ftypheic", b"\0\0\0 ftypavif")),
            ("BMW", "The body is not valid JSON; send JSON as UTF-8."),
            (b'{"image": "\xe4"}', "The body is not UTF-8 text; send JSON as UTF-8."),
            ("[" * 5000 + "]" * 5000, "The body is nested too deeply; send JSON of a few levels."),
            ("image=AAAA", "The body is not valid JSON; send JSON as UTF-8."),
            (b"\xef\xbb\xbf", "The body is not valid JSON; send JSON as UTF-8."),
            ("", "The body is empty; send JSON."),
        ],
    )  # fmt: skip
    def test_the_sentence_is_true(self, body: str | bytes, sentence: str) -> None:
        with pytest.raises(InvalidJson) as refusal:
            parse_upload(body)
        assert str(refusal.value) == sentence


class TestBadFrames:
    @pytest.mark.parametrize(
        ("frame", "problem"),
        [
            ({}, "image is missing"),
            ({"Image": "A"}, "image is missing"),
            ({"image": None}, "image must be a string"),
            ({"image": 5}, "image must be a string"),
            ({"image": ["A"]}, "image must be a string"),
            ({"image": {"data": "A"}}, "image must be a string"),
            ({"image": ""}, "image is empty"),
            (None, "must be a JSON object with an image in it"),
            ("A", "must be a JSON object with an image in it"),
            (5, "must be a JSON object with an image in it"),
            ([{"image": "A"}], "must be a JSON object with an image in it"),
        ],
    )
    def test_the_sentence_says_which_field(self, frame: Any, problem: str) -> None:
        error = failure_of(frame)
        assert type(error) is InvalidPayload
        assert str(error) == f"{problem}."

    @pytest.mark.parametrize(
        "frame",
        [
            PRIVATE,
            [PRIVATE],
            {PRIVATE: PRIVATE},
            {"image": [PRIVATE]},
            {"image": {PRIVATE: 1}},
            {"image": "A", "score": PRIVATE},
        ],
    )
    def test_the_sentence_never_echoes_the_input(self, frame: Any) -> None:
        assert PRIVATE not in str(failure_of(frame))

    def test_bad_frames_are_told_apart_from_good_ones(self) -> None:
        body = json.dumps([{"image": "AAAA"}, {}, {"image": "////"}, {"image": 5}, {"image": "*"}])
        frames, failures = parse_frames(body, 32)
        assert frames == [Frame(0, THREE_ZEROS), Frame(2, b"\xff\xff\xff")]
        assert [(failure.index, str(failure.error)) for failure in failures] == [
            (1, "image is missing."),
            (3, "image must be a string."),
            (4, NotBase64.sentence),
        ]


class TestUpload:
    @pytest.mark.parametrize("body", ['{"image": "AAAA"}', b'{"image": "AAAA"}', '{"image": "AAAA", "name": "me.jpg"}'])
    def test_an_upload_is_one_frame(self, body: str | bytes) -> None:
        assert parse_upload(body) == (Frame(0, THREE_ZEROS), Told())

    @pytest.mark.parametrize(
        ("payload", "problem"),
        [
            ({}, "image is missing"),
            ({"image": None}, "image must be a string"),
            ({"image": 5}, "image must be a string"),
            ({"image": [PRIVATE]}, "image must be a string"),
            ({"image": ""}, "image is empty"),
            ([], "must be a JSON object with an image in it"),
            ([{"image": "A"}], "must be a JSON object with an image in it"),
            (PRIVATE, "must be a JSON object with an image in it"),
            (None, "must be a JSON object with an image in it"),
        ],
    )
    def test_the_sentence_names_the_field_and_never_echoes_the_input(self, payload: Any, problem: str) -> None:
        with pytest.raises(InvalidPayload) as refusal:
            parse_upload(json.dumps(payload))
        assert str(refusal.value) == f"The body: {problem}."
        assert PRIVATE not in str(refusal.value)

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"eye": "left"}, Told(eye=EyeSide.LEFT)),
            ({"eye": "right", "mirrored": True}, Told(True, EyeSide.RIGHT)),
            ({"mirrored": False}, Told(mirrored=False)),
            ({"eye": None, "mirrored": None, "side": "left"}, Told()),
        ],
    )
    def test_the_eye_and_the_mirror_may_stand_beside_the_picture(self, fields: dict[str, Any], told: Told) -> None:
        assert parse_upload(json.dumps({"image": "AAAA"} | fields)) == (Frame(0, THREE_ZEROS), told)

    @pytest.mark.parametrize("word", [PRIVATE, "", "Left", "left ", "unknown", "left_eye", "OD", 1, True, ["left"], {}])
    def test_no_other_word_is_an_eye(self, word: Any) -> None:
        with pytest.raises(InvalidPayload, match=r"^The body: eye must be left or right\.$"):
            parse_upload(json.dumps({"image": "AAAA", "eye": word}))

    @pytest.mark.parametrize("word", [PRIVATE, "", "true", 1, 0, [True], {}])
    def test_nothing_but_true_and_false_says_whether_it_is_mirrored(self, word: Any) -> None:
        with pytest.raises(InvalidPayload, match=r"^The body: mirrored must be true or false\.$"):
            parse_upload(json.dumps({"image": "AAAA", "mirrored": word}))
