"""/health says in one word how the process is, and asks its parts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from src.api.context import ApiContext
from src.api.routes.health import health_handler, live_handler
from src.core.errors import Draining
from src.core.stage_times import StageTimes
from tests.unit.api.conftest import MODEL, loaded, request_of


def asked(context: ApiContext) -> tuple[int, dict[str, Any]]:
    answer = asyncio.run(health_handler(context)(request_of(method="GET"), StageTimes()))
    content = json.loads(answer.body)
    assert content["status"] == answer.status
    return answer.status, content


def word(context: ApiContext) -> tuple[int, str]:
    status, content = asked(context)
    return status, content["message"]


def test_it_is_healthy_between_its_start_and_its_end(context: ApiContext) -> None:
    assert word(context) == (503, "Starting")
    context.attach(loaded())
    assert word(context) == (200, "Healthy")
    context.admission.lifecycle.drain()
    assert word(context) == (503, "Draining")


def test_it_is_failing_while_a_part_is_dead(context: ApiContext) -> None:
    problems = ["the worker threads are gone"]
    context.attach(loaded(problems=lambda: problems))
    assert word(context) == (503, "Failing")
    problems.clear()
    assert word(context) == (200, "Healthy")


def test_what_is_wrong_goes_to_the_log_and_not_to_the_client(
    context: ApiContext, caplog: pytest.LogCaptureFixture
) -> None:
    context.attach(loaded(problems=lambda: ["the worker threads are gone"]))
    assert "worker" not in json.dumps(asked(context)[1])
    assert "the worker threads are gone" in caplog.text


def test_it_names_the_model_once_there_is_one(context: ApiContext) -> None:
    assert asked(context)[1]["model"] is None
    context.attach(loaded())
    model = asked(context)[1]["model"]
    assert (model["sha256"], model["classes"]) == (MODEL.sha256, list(MODEL.classes))


def test_requests_in_flight_are_counted(context: ApiContext) -> None:
    context.attach(loaded())
    with context.admission.lifecycle.work(1):
        assert asked(context)[1]["requests_in_flight"] == 1


def test_a_process_that_cannot_go_on_is_neither_healthy_nor_alive_and_takes_no_work(context: ApiContext) -> None:
    def alive() -> tuple[int, dict[str, Any]]:
        answer = asyncio.run(live_handler(context)(request_of(method="GET"), StageTimes()))
        return answer.status, json.loads(answer.body)

    assert alive() == (200, {"status": 200, "message": "Alive"})
    context.attach(loaded())
    context.lose()
    assert alive() == (503, {"status": 503, "message": "Failing"})
    assert word(context) == (503, "Failing")
    assert not context.is_ready()
    with pytest.raises(Draining):
        context.admission.lifecycle.work(1).__enter__()
