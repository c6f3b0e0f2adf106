"""Which eye of the person it is, from what that is known, where it is, and how many faces there were."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from src.config.settings import ASSETS_DIR
from src.core.types import RgbImage
from src.utils.data_uri import encode_data_uri
from tests.contract.payloads import assert_error, base64_of, data_uri, frame, picture_bytes, shown

DRAWN_EYE = ASSETS_DIR / "examples" / "drawn_eye.webp"
NOT_DETECTED = {"best_prediction": "Not Detected"}
# Seen by eye in the 640x640 portrait.
PUPILS = {"right": (255, 126), "left": (308, 129)}


def sides(eyes: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    """What stands under `left_eye`, then under `right_eye`."""
    return [(eyes[key].get("side"), eyes[key].get("side_from")) for key in ("left_eye", "right_eye")]


def uploaded(client: httpx.Client, image: str, query: str = "", **fields: object) -> dict[str, Any]:
    answer = client.post(f"/upload{query}", json={"image": image} | fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def assert_boxes_are_around_the_pupils(eyes: dict[str, Any], scale: float = 1) -> None:
    for side, (x, y) in PUPILS.items():
        box = eyes[f"{side}_eye"]["box"]
        assert all(isinstance(value, int) for value in box.values())
        assert box["x"] + box["w"] / 2 == pytest.approx(x * scale, abs=6 * scale)
        assert box["y"] + box["h"] / 2 == pytest.approx(y * scale, abs=8 * scale)


def test_the_eyes_of_a_face_have_their_sides_and_places_on_both_routes(client: httpx.Client, face: RgbImage) -> None:
    predicted = client.post("/predict", json=[frame(face)] * 2).json()
    upload = uploaded(client, data_uri(face))

    for eyes, answer in ((predicted["body"], predicted), (upload, upload)):
        assert sides(eyes) == [("left", "face"), ("right", "face")]
        assert answer["faces_seen"] == 1
        assert_boxes_are_around_the_pupils(eyes)
        for key in ("left_eye", "right_eye"):
            height, width, _ = shown(eyes[key]["image_preview"]).shape
            assert (eyes[key]["box"]["w"], eyes[key]["box"]["h"]) == (width, height)


def test_two_people_are_two_faces(client: httpx.Client, face: RgbImage) -> None:
    two = np.concatenate([face[20:240, 170:390]] * 2, axis=1)
    assert uploaded(client, data_uri(two))["faces_seen"] == 2


def test_an_eye_of_unknown_side_stands_under_left_eye_and_says_so(client: httpx.Client) -> None:
    """A drawn eye has corners alike."""
    answer = uploaded(client, encode_data_uri(DRAWN_EYE.read_bytes(), "image/webp"))
    assert sides(answer) == [("unknown", None), (None, None)]
    assert answer["right_eye"] == NOT_DETECTED
    assert (answer["left_eye"]["box"], answer["faces_seen"]) == ({"x": 0, "y": 0, "w": 96, "h": 72}, 0)


@pytest.mark.parametrize("mirrored", ["", "&mirrored=true"])
def test_one_eye_is_the_one_that_the_client_says(client: httpx.Client, eye_photo: RgbImage, mirrored: str) -> None:
    image = data_uri(eye_photo)
    for eye, other in (("left", "right"), ("right", "left")):
        told = [
            uploaded(client, image, f"?eye={eye}{mirrored}"),
            uploaded(client, image, f"?%65ye=%{ord(eye[0]):x}{eye[1:]}&eye={eye}{mirrored}", eye=eye),
            uploaded(client, image, eye=eye, mirrored=bool(mirrored)),
        ]
        for answer in told:
            assert (answer[f"{eye}_eye"]["side"], answer[f"{eye}_eye"]["side_from"]) == (eye, "caller")
            assert answer[f"{other}_eye"] == NOT_DETECTED


def test_mirrored_pictures_swap_the_sides_of_a_face_and_a_word_of_the_client_does_not(
    client: httpx.Client, face: RgbImage
) -> None:
    image = data_uri(face)
    plain = uploaded(client, image, "?mirrored=false")
    swapped = [
        uploaded(client, image, "?mirrored=true&eye=left"),
        uploaded(client, image, mirrored=True),
        client.post("/predict?mirrored=true&eye=OD", json=[frame(face)]).json()["body"],
    ]
    for eyes in swapped:
        assert sides(eyes) == [("left", "face"), ("right", "face")]
        assert eyes["left_eye"]["box"] == plain["right_eye"]["box"]
        assert eyes["right_eye"]["box"] == plain["left_eye"]["box"]


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("/upload?eye=OD", {}, "The query: eye must be left or right."),
        ("/upload?eye=", {}, "The query: eye must be left or right."),
        ("/upload?mirrored", {}, "The query: mirrored must be true or false."),
        ("/upload?eye=left&eye=right", {}, "The query: eye has two different values; send it once."),
        ("/upload", {"eye": "OS"}, "The body: eye must be left or right."),
        ("/upload", {"mirrored": "true"}, "The body: mirrored must be true or false."),
        (
            "/upload?eye=left",
            {"eye": "right"},
            "eye has one value in the query and another in the body; send it once.",
        ),
        ("/predict?mirrored=1", None, "The query: mirrored must be true or false."),
    ],
)
def test_what_is_said_otherwise_or_two_ways_is_refused(
    client: httpx.Client, eye_photo: RgbImage, path: str, fields: dict[str, Any] | None, sentence: str
) -> None:
    picture = {"image": data_uri(eye_photo)}
    answer = client.post(path, json=[picture] if fields is None else picture | fields)
    assert_error(answer, 400, "invalid_payload")
    assert answer.json()["message"] == sentence


@pytest.mark.parametrize(("scale", "quality"), [(1, 95), (11, 80)], ids=["as it is", "read smaller"])
def test_a_box_is_in_pixels_of_the_upright_picture_that_was_sent(
    client: httpx.Client, face: RgbImage, scale: int, quality: int
) -> None:
    """Of 49 megapixels, every second row and column is read."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(face)))
    large = lying.resize((640 * scale, 640 * scale))
    sent = base64_of(picture_bytes(large, "JPEG", exif=exif, quality=quality))
    assert_boxes_are_around_the_pupils(uploaded(client, sent), scale)
