"""What clients send, and the shape of what they get."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import httpx
import numpy as np
from hypothesis import HealthCheck
from jsonschema import Draft202012Validator
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from src.core.types import RgbImage

REPEATABLE: dict[str, Any] = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}
"""Of Hypothesis, where it makes what is sent: the same each time, however long an answer takes."""


def picture_bytes(picture: RgbImage | Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def data_uri(picture: RgbImage, file_format: str = "PNG") -> str:
    return f"data:image/{file_format.lower()};base64,{base64_of(picture_bytes(picture, file_format))}"


def frame(picture: RgbImage, **fields: object) -> dict[str, object]:
    return {"image": data_uri(picture), "score": 0.95, "blur": 0.02, "box": None} | fields


def shown(preview: str) -> RgbImage:
    """The pixels behind a preview."""
    kind, encoded = preview.split(",", 1)
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))).convert("RGB"))


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    content = answer.json()
    sentence = content["message"]
    assert answer.status_code == status, content
    assert content == {"status_code": status, "body": {"error": sentence, "code": code}, "message": sentence}
    assert answer.headers["content-type"] == "application/json"
    assert "Traceback" not in sentence


LONG = {"MAX_FRAMES": "64", "WORKER_THREADS": "1", "DRAIN_TIMEOUT_S": "100"}
"""Settings with which a `long_request` is in flight for a second or longer, and may be on a machine that is busy."""


def long_request(face: RgbImage, frames: int = 64) -> list[dict[str, object]]:
    return [{"image": data_uri(face, "JPEG")}] * frames


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it has this size, and holds a few bytes."""
    png = picture_bytes(Image.new("RGB", (16, 16)))
    size = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + size + struct.pack(">I", zlib.crc32(size)) + png[33:]


def errors_in(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Where an answer is not what a schema of the OpenAPI document says."""
    validator = Draft202012Validator({**schema, "components": document["components"]})
    return [error.message for error in validator.iter_errors(value)]


# The page of metrics, read as Prometheus reads it: the value of every series by its name and labels.
Scrape = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: httpx.Client) -> Scrape:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    samples = (sample for family in text_string_to_metric_families(answer.text) for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def value(page: Scrape, name: str, **labels: str) -> float:
    """0 for a series that is not there yet, as for one that has counted nothing."""
    return page.get((name, frozenset(labels.items())), 0.0)


def gauge(page: Scrape, name: str) -> float:
    """A series without labels, which has to be there."""
    return page[name, frozenset()]
