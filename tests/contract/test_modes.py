"""Settings that change what clients see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lab.common.backend import ServiceProcess
from src.config.settings import Settings
from src.core.types import RgbImage
from tests.contract.payloads import assert_error, data_uri, errors_in, frame
from tests.services import Start

KEY = "0123456789abcdef"


def post(client: httpx.Client, path: str, body: object) -> httpx.Response:
    return client.post(path, json=body, headers={"X-API-Key": KEY})


class TestLegacyEnvelope:
    """What the first frontend gets: always HTTP 200, and the answer as text within the answer."""

    @pytest.fixture(scope="class")
    def legacy(self, start: Start) -> Iterator[httpx.Client]:
        with start(LEGACY_ENVELOPE="true", API_KEYS=KEY) as service:
            yield service.client

    def test_it_is_http_200_with_the_body_as_a_string(self, legacy: httpx.Client, face: RgbImage) -> None:
        predict = post(legacy, "/predict", [frame(face)])
        upload = post(legacy, "/upload", {"image": data_uri(face)})
        failure = post(legacy, "/upload", {})
        wrong_method = legacy.get("/predict")
        wrong_type = legacy.post("/upload", content=b"{}", headers={"X-API-Key": KEY, "Content-Type": "text/plain"})
        wrong_page = legacy.post("/upload", json={}, headers={"X-API-Key": KEY, "Origin": "null"})

        good = ((predict, 200), (upload, 200))
        for answer, status in (*good, (failure, 400), (wrong_method, 405), (wrong_type, 415), (wrong_page, 403)):
            assert answer.status_code == 200
            content = answer.json()
            assert set(content) == {"status_code", "body", "headers"}
            assert content["status_code"] == status
            assert content["headers"] == {"Content-Type": "application/json"}
            assert isinstance(content["body"], str)
        assert set(json.loads(predict.json()["body"])) == {"left_eye", "right_eye"}
        assert json.loads(upload.json()["body"])["left_eye"]["best_prediction"]
        assert json.loads(predict.json()["body"])["left_eye"].keys() >= {"confidence", "inconclusive", "reasons"}
        assert json.loads(failure.json()["body"])["code"] == "invalid_payload"
        assert legacy.get("/health").json()["message"] == "Healthy"

    @pytest.mark.parametrize(("eye", "side"), [(None, "left"), ("left", "left"), ("right", "right")])
    def test_one_eye_stands_where_that_frontend_looks(
        self, legacy: httpx.Client, eye_photo: RgbImage, eye: str | None, side: str
    ) -> None:
        answer = post(legacy, "/upload", {"image": data_uri(eye_photo), "eye": eye}).json()
        eyes = json.loads(answer["body"])
        assert eyes["left_eye"]["side"] == side
        assert eyes["right_eye"] == {"best_prediction": "Not Detected"}

    def test_it_is_described_as_it_is_answered(self, legacy: httpx.Client) -> None:
        document = legacy.get("/openapi.json").json()
        operation = document["paths"]["/upload"]["post"]
        request = operation["requestBody"]["content"]["application/json"]["examples"]["drawing"]["value"]
        answers = [post(legacy, "/upload", request), post(legacy, "/upload", {}), legacy.post("/upload", json=request)]
        metrics = legacy.get("/metrics")

        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        for answer in answers:
            assert answer.status_code == 200
            assert errors_in(answer.json(), schema, document) == []
        assert [answer.json()["status_code"] for answer in answers] == [200, 400, 401]
        assert metrics.status_code == 401
        assert errors_in(metrics.json(), {"$ref": "#/components/schemas/ErrorAnswer"}, document) == []
        assert "401" in document["paths"]["/metrics"]["get"]["responses"]


class TestEverythingElseThatCanBeSwitched:
    """Of one service: none of these settings is in another's way."""

    @pytest.fixture(scope="class")
    def switched(self, start: Start, settings: Settings) -> Iterator[ServiceProcess]:
        switches = {
            "METRICS": "false",
            "DEMO_PAGE": "false",
            "MIRRORED_INPUT": "true",
            "MAX_REQUESTS_IN_FLIGHT": "1",
        }
        with start(MODEL_PATH=str(settings.model_path), **switches) as process:
            yield process

    @pytest.mark.parametrize("path", ["/metrics", "/", "/assets/web/main.js"])
    def test_metrics_and_page_can_be_switched_off(self, switched: ServiceProcess, path: str) -> None:
        for method in ("GET", "POST"):
            assert_error(switched.client.request(method, path), 404, "not_found")

    def test_mirrored_input_swaps_the_eyes(
        self, switched: ServiceProcess, client: httpx.Client, face: RgbImage
    ) -> None:
        swapped = switched.client.post("/predict", json=[frame(face)]).json()["body"]
        plain = client.post("/predict", json=[frame(face)]).json()["body"]

        assert swapped["left_eye"]["image_preview"] == plain["right_eye"]["image_preview"]
        assert swapped["right_eye"]["image_preview"] == plain["left_eye"]["image_preview"]

    def test_more_requests_than_allowed_are_told_to_come_back(self, switched: ServiceProcess, face: RgbImage) -> None:
        request = [frame(face)] * 32
        with ThreadPoolExecutor(1) as clients:
            first = clients.submit(httpx.post, switched.client.base_url.join("/predict"), json=request, timeout=120)
            switched.wait_for_requests_in_flight(1)
            refused = switched.client.post("/predict", json=request[:1])

            assert_error(refused, 503, "busy")
            assert int(refused.headers["retry-after"]) > 0
            assert first.result().status_code == 200
        assert switched.client.post("/predict", json=request[:1]).status_code == 200
