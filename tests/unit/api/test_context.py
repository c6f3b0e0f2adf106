"""What every endpoint shares."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from src.api.admission import State
from src.api.context import ApiContext
from src.api.envelope import legacy_envelope, plain_envelope
from src.config.settings import load_settings
from src.core.errors import Starting
from src.core.types import ModelInfo


@pytest.fixture
def context() -> ApiContext:
    return ApiContext(load_settings(env_file=None))


def test_before_the_services_are_loaded_there_are_none(context: ApiContext) -> None:
    assert context.lifecycle.state is State.STARTING
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
    context.lifecycle.ready()
    assert gauges(context)["eyenet_ready"] == 1
    with context.lifecycle.work(1):
        assert gauges(context)["eyenet_requests_in_flight"] == 1
    assert gauges(context)["eyenet_requests_in_flight"] == 0
    context.lifecycle.drain()
    assert gauges(context)["eyenet_ready"] == 0


def test_with_the_services_the_metrics_name_the_model_and_tell_the_queue(context: ApiContext) -> None:
    assert "eyenet_model_info" not in gauges(context)
    model = ModelInfo(
        name="EyeNet",
        sha256="0" * 64,
        classes=("Healthy", "Stye"),
        grad_cam_layer="multiply_1",
        device="CPU",
        tensorflow="2.14.1",
        calibrated=False,
        precision="float32",
    )
    context.attach(SimpleNamespace(model=model, requests_at_once=4))
    assert gauges(context)["eyenet_model_info"] == 1
    assert gauges(context)["eyenet_queue_length"] == 0
    assert gauges(context)["eyenet_ready"] == 1
