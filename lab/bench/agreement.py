"""Whether answers are the same: one by one and all at once, and of one side and another."""

from __future__ import annotations

import io
import itertools
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from PIL import Image

from lab.common.http import Client
from lab.common.work import WORKS, body_of

_SIDES = ("left_eye", "right_eye")

# Path and body; and the JSON of the answers, in the order of their requests.
Request = tuple[str, bytes]
Answers = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two lists of answers to the same requests are apart.

    Attributes:
        eyes: that were compared.
        other_class: eyes with another class, or that only one of them has.
        largest_score: in percentage points.
        largest_heatmap: of a pixel, in levels of 0-255; None where the pictures have different sizes.
    """

    eyes: int
    other_class: int
    largest_score: float
    largest_heatmap: int | None


def requests_of_all_works(variants: int) -> list[Request]:
    """`variants` different bodies of each work."""
    return [(work.path, body_of(work, seed)) for seed in range(variants) for work in WORKS]


def ask(port: int, requests: Sequence[Request], at_once: int = 1) -> Answers:
    """The answers to all requests, with so many of them in flight.

    Raises:
        RuntimeError: a request was not answered with 200.
    """

    def answer(request: Request) -> Mapping[str, Any]:
        with Client(port) as client:
            reply = client.ask(*request)
        if reply.status != 200:
            raise RuntimeError(f"{request[0]} was answered with {reply.status}: {reply.body[:200]!r}")
        content: Mapping[str, Any] = orjson.loads(reply.body)
        return content

    with ThreadPoolExecutor(at_once) as workers:
        return list(workers.map(answer, requests))


def compare(first: Answers, second: Answers) -> Difference:
    """How far the answers to the same requests are apart."""
    pairs = [pair for answers in zip(first, second, strict=True) for pair in _paired_eyes(*answers)]
    seen = [pair for pair in pairs if all("average_scores" in eye and eye["image_preview"] for eye in pair)]
    heatmaps = [_heatmap_difference(*pair) for pair in seen]
    return Difference(
        eyes=len(seen),
        other_class=sum(one["best_prediction"] != other["best_prediction"] for one, other in pairs),
        largest_score=max(
            (
                abs(score - other["average_scores"][name])
                for one, other in seen
                for name, score in one["average_scores"].items()
            ),
            default=0.0,
        ),
        largest_heatmap=None if None in heatmaps else max((item for item in heatmaps if item is not None), default=0),
    )


def _paired_eyes(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    one, other = (answer.get("body", answer) for answer in (first, second))
    return ((one[side], other[side]) for side in _SIDES)


def _heatmap_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> int | None:
    previews = [eye["grad_cam_preview"] for eye in (one, other)]
    if previews[0] == previews[1]:
        return 0
    if None in previews:
        return None
    files = (io.BytesIO(b64decode(preview.partition(",")[2])) for preview in previews)
    pixels = [np.asarray(Image.open(file).convert("RGB")).astype(np.int16) for file in files]
    if pixels[0].shape != pixels[1].shape:
        return None
    return int(np.abs(pixels[0] - pixels[1]).max())


def repeated(requests: Sequence[Request], count: int) -> list[Request]:
    """The requests over and over, `count` of them in all."""
    return list(itertools.islice(itertools.cycle(requests), count))
