"""A share of what `make chaos` sends to the real process: no crash, no 500, one shape of error."""

from __future__ import annotations

import httpx
from hypothesis import HealthCheck, given, settings

from lab.chaos.mutated_requests import HttpRequest, requests
from lab.chaos.routes import judge
from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from tests.contract.payloads import frame


def test_mutated_requests_do_no_harm(service: ServiceProcess, face: RgbImage) -> None:
    @settings(max_examples=120, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(requests(with_multipart=False))
    def send(request: HttpRequest) -> None:
        _status, problem = judge(service.port, request)
        assert problem is None

    send()
    answer: httpx.Response = service.client.post("/predict", json=[frame(face)])
    assert answer.status_code == 200
