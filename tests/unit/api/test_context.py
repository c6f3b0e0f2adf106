"""What every endpoint shares."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from src.api.admission import Phase
from src.api.answers import legacy_envelope, plain_envelope
from src.api.context import ApiContext
from src.config.settings import load_settings
from src.core.errors import Starting
from tests.unit.api.conftest import loaded


def test_before_the_services_are_loaded_there_are_none(context: ApiContext) -> None:
    assert context.admission.lifecycle.phase is Phase.STARTING
    assert context.model is None
    with pytest.raises(Starting):
        _ = context.services


def test_the_envelope_is_the_one_of_the_settings(context: ApiContext, monkeypatch: pytest.MonkeyPatch) -> None:
    assert context.envelope is plain_envelope
    monkeypatch.setenv("LEGACY_ENVELOPE", "true")
    assert ApiContext(load_settings(env_file=None)).envelope is legacy_envelope


def gauges(context: ApiContext) -> dict[str, float]:
    families = text_string_to_metric_families(context.metrics.page().decode())
    return {sample.name: sample.value for family in families for sample in family.samples if family.type == "gauge"}


def test_the_metrics_follow_the_state_and_the_requests_in_flight(context: ApiContext) -> None:
    assert gauges(context)["eyenet_ready"] == 0
    context.admission.lifecycle.ready()
    assert gauges(context)["eyenet_ready"] == 1
    with context.admission.lifecycle.work(1):
        assert gauges(context)["eyenet_requests_in_flight"] == 1
    assert gauges(context)["eyenet_requests_in_flight"] == 0
    context.admission.lifecycle.drain()
    assert gauges(context)["eyenet_ready"] == 0


def test_with_the_services_the_metrics_name_the_model_and_tell_the_queue(context: ApiContext) -> None:
    assert "eyenet_model_info" not in gauges(context)
    context.attach(loaded(requests_at_once=4))
    assert gauges(context)["eyenet_model_info"] == 1
    assert gauges(context)["eyenet_queue_length"] == 0
    assert gauges(context)["eyenet_ready"] == 1


def test_a_dead_part_is_no_longer_ready_and_is_logged_once(
    context: ApiContext, caplog: pytest.LogCaptureFixture
) -> None:
    problems: list[str] = []
    context.attach(loaded(problems=lambda: problems))
    assert context.is_ready()
    problems.append("the worker threads are gone")
    for _ in range(3):
        assert not context.is_ready()
    assert gauges(context)["eyenet_ready"] == 0
    assert [record.getMessage() for record in caplog.records] == [
        "a part of the service is dead: the worker threads are gone"
    ]
    problems.clear()
    assert context.is_ready()


def test_the_memory_bound_is_known_once_the_services_are(context: ApiContext) -> None:
    with pytest.raises(Starting):
        _ = context.memory_of_requests
    context.attach(loaded(requests_at_once=4))
    assert context.memory_of_requests > 2 * context.settings.max_bytes_in_flight
