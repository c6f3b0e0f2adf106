"""What an eye is answered does not depend on who else asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import httpx
import numpy as np
import pytest

from lab.common.backend import ServiceProcess
from lab.common.waiting import wait_until
from src.core.types import RgbImage
from src.utils.preprocessing import resize
from tests.contract.payloads import data_uri, frame

AT_ONCE = 32

Request: TypeAlias = tuple[str, object]


def grainy(picture: RgbImage, seed: int) -> RgbImage:
    grain = np.random.default_rng(seed).normal(0, 4, picture.shape)
    return (picture + grain).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def requests_of_all_kinds(face: RgbImage, eye_photo: RgbImage) -> list[Request]:
    """Each one different: photos of an eye and of a face, one frame and several, PNG and JPEG."""
    photo = resize(eye_photo, 888, 816)
    requests: list[Request] = []
    for seed in range(AT_ONCE // 4):
        several = [frame(grainy(face, 100 * seed + index), box=None) for index in range(1 + seed % 3)]
        requests += [
            ("/upload", {"image": data_uri(grainy(photo, seed), "JPEG")}),
            ("/upload", {"image": data_uri(grainy(face, seed))}),
            ("/predict", [frame(grainy(face, 50 + seed), box={"x": 220, "y": 60, "w": 190, "h": 230})]),
            ("/predict", several),
        ]
    return requests


def answer_to(client: httpx.Client, request: Request) -> dict[str, object]:
    path, body = request
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_thirty_two_requests_at_once_are_answered_byte_for_byte_as_one_after_the_other(
    service: ServiceProcess, requests_of_all_kinds: list[Request]
) -> None:
    alone = [answer_to(service.client, request) for request in requests_of_all_kinds]
    with ThreadPoolExecutor(AT_ONCE) as clients:
        together = list(clients.map(lambda request: answer_to(service.client, request), requests_of_all_kinds))

    # Scores, verdicts, previews and heatmaps: the whole answers.
    assert together == alone
    scores = {str(answer.get("body", answer)) for answer in alone}
    assert len(scores) == len(requests_of_all_kinds)


def test_sixty_four_at_once_are_answered_or_told_when_to_come_again(
    service: ServiceProcess, eye_photo: RgbImage
) -> None:
    body = {"image": data_uri(eye_photo)}
    with ThreadPoolExecutor(64) as clients:
        answers = list(clients.map(lambda _: service.client.post("/upload", json=body), range(128)))

    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) < len(answers) / 2
    for answer in refused:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        # On a machine that is full of other work, the time for a request may be over before its turn.
        assert answer.json()["body"]["code"] in {"busy", "timed_out"}
    assert service.client.get("/health").json()["requests_in_flight"] == 0


def test_small_requests_overtake_large_ones(service: ServiceProcess, face: RgbImage, eye_photo: RgbImage) -> None:
    large, small = [frame(face, box=None)] * 16, {"image": data_uri(eye_photo)}
    with ThreadPoolExecutor(6) as clients:
        answers = [clients.submit(service.client.post, "/predict", json=large) for _ in range(6)]
        wait_until(lambda: service.client.get("/health").json()["requests_in_flight"] == 6, "all large ones to come")
        for _ in range(3):
            assert service.client.post("/upload", json=small).status_code == 200
        unanswered = sum(not answer.done() for answer in answers)
    # Who took requests in their order would have answered all of them first.
    assert unanswered >= 4
    assert [answer.result().status_code for answer in answers] == [200] * 6
