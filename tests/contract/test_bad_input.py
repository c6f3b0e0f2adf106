"""Whatever is sent, the answer has our shape, and the next good request works."""

from __future__ import annotations

import sys
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from lab.chaos.mutated_requests import HttpRequest, requests
from lab.chaos.routes import judge
from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from tests.contract.payloads import REPEATABLE, assert_error, base64_of, data_uri, frame, picture_bytes, png_header

_NOISE = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
_PNG = picture_bytes(_NOISE, "PNG")


def _animation(file_format: str) -> bytes:
    frames = [Image.fromarray(_NOISE), Image.fromarray(255 - _NOISE)]
    return picture_bytes(frames[0], file_format, save_all=True, append_images=frames[1:], duration=100)


PICTURES: dict[str, tuple[object, int, str]] = {
    "null": (None, 400, "invalid_payload"),
    "empty": ("", 400, "invalid_payload"),
    "not base64": ("%%%", 400, "not_base64"),
    "a data URI that is not base64": ("data:image/svg+xml,<svg/>", 400, "not_base64"),
    "base64 of text": (base64_of(b"hello, this is no picture at all"), 400, "not_a_picture"),
    "a PNG cut short": (base64_of(_PNG[: len(_PNG) // 2]), 400, "not_a_picture"),
    "a GIF": (base64_of(picture_bytes(_NOISE, "GIF")), 400, "unsupported_picture"),
    "an SVG": (base64_of(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), 400, "unsupported_picture"),
    "one pixel": (base64_of(picture_bytes(_NOISE[:1, :1], "PNG")), 400, "picture_too_small"),
    "a decompression bomb": (base64_of(png_header(20_000, 20_000)), 413, "picture_too_large"),
    "an animated WebP": (base64_of(_animation("WEBP")), 400, "unsupported_picture"),
    "an animated PNG": (base64_of(_animation("PNG")), 400, "unsupported_picture"),
}

BODIES: dict[str, tuple[str, bytes, int, str]] = {
    "no body": ("/predict", b"", 400, "invalid_json"),
    "not JSON": ("/predict", b"{frames}", 400, "invalid_json"),
    "not UTF-8": ("/upload", b"\xff\xfe\x00", 400, "invalid_json"),
    "NaN, which is not JSON": ("/predict", b'[{"image": "x", "score": NaN}]', 400, "invalid_json"),
    "an object": ("/predict", b"{}", 400, "invalid_payload"),
    "an object without image to upload": ("/upload", b"{}", 400, "invalid_payload"),
    "an array to upload": ("/upload", b"[]", 400, "invalid_payload"),
    "an empty array": ("/predict", b"[]", 400, "invalid_payload"),
    "an array of a number": ("/predict", b"[1]", 400, "invalid_payload"),
    "a score in words": ("/predict", b'[{"image": "x", "score": "high"}]', 400, "not_base64"),
    "33 frames": ("/predict", b"[" + b",".join([b"{}"] * 33) + b"]", 413, "too_many_frames"),
    "10,000 nested arrays": ("/predict", b"[" * 10_000, 400, "invalid_json"),
    "60 MB": ("/upload", b'{"image": "' + b"A" * 60_000_000 + b'"}', 413, "body_too_large"),
}


@pytest.mark.parametrize("what", PICTURES)
@pytest.mark.parametrize(
    ("path", "wrap"), [("/upload", lambda image: {"image": image}), ("/predict", lambda image: [{"image": image}])]
)
def test_a_bad_picture_is_a_clear_error(
    client: httpx.Client, path: str, wrap: Callable[[object], object], what: str
) -> None:
    image, status, code = PICTURES[what]
    answer = client.post(path, json=wrap(image))

    assert_error(answer, status, code)
    assert ("Frame 1" in answer.json()["message"]) == (path == "/predict")
    assert "image" in answer.json()["message"]


@pytest.mark.parametrize("what", BODIES)
def test_a_bad_body_is_a_clear_error(client: httpx.Client, what: str) -> None:
    path, body, status, code = BODIES[what]
    assert_error(client.post(path, content=body), status, code)


def test_the_input_is_never_echoed(client: httpx.Client) -> None:
    secret = "SECRET" * 20
    for body in (f'"{secret}"', f'[{{"image": {{"{secret}": 1}}}}]', f'[{{"image": "{secret}"}}]', secret):
        assert secret[:12] not in client.post("/predict", content=body).text
    assert secret[:12] not in client.get(f"/{secret}").text


def test_a_face_with_closed_eyes_is_answered(client: httpx.Client, face: RgbImage) -> None:
    closed = face.copy()
    for left, right in ((238, 276), (290, 328)):
        lid = closed[112:118, left:right].mean(axis=(0, 1))
        closed[119:134, left:right] = lid
    answer = client.post("/predict", json=[frame(closed)])

    assert answer.status_code == 200
    assert answer.json()["body"]["left_eye"]["best_prediction"] != "Not Detected"


def test_a_blank_upload_is_not_an_eye(client: httpx.Client) -> None:
    blank = np.full((300, 400, 3), 200, np.uint8)
    assert_error(client.post("/upload", json={"image": data_uri(blank)}), 400, "no_eyes_detected")


@pytest.mark.parametrize("path", ["/nothing", "/predict/more", "/%2e%2e/etc/passwd", "/health/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_not_found(client: httpx.Client, path: str, method: str) -> None:
    assert_error(client.request(method, path), 404, "not_found")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory of the process from /proc")
def test_bad_input_costs_no_memory_and_the_next_good_request_works(service: ServiceProcess, face: RgbImage) -> None:
    good = [frame(face)]

    def send_everything() -> None:
        for path, body, _, _ in BODIES.values():
            service.client.post(path, content=body)
        for image, _, _ in PICTURES.values():
            service.client.post("/upload", json={"image": image})
            service.client.post("/predict", json=[{"image": image}])
        assert service.client.post("/predict", json=good).status_code == 200

    for _ in range(2):
        send_everything()
    before = service.resident_megabytes
    for _ in range(4):
        send_everything()

    # Memory is where it was, give or take what an allocator keeps of a 60 MB body.
    assert service.resident_megabytes - before < 100


@pytest.mark.parametrize("examples", [15, pytest.param(120, marks=pytest.mark.chaos)])
def test_mutated_requests_do_no_harm(service: ServiceProcess, face: RgbImage, examples: int) -> None:
    """A share of what `make chaos` sends: no crash, no 500, one shape of error."""

    @settings(max_examples=examples, **REPEATABLE)
    @given(requests(with_multipart=False))
    def send(request: HttpRequest) -> None:
        _status, problem = judge(service.port, request)
        assert problem is None

    send()
    assert service.client.post("/predict", json=[frame(face)]).status_code == 200
