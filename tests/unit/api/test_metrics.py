"""The page says what happened, in the format that Prometheus reads."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from src import __version__
from src.api.metrics import CONTENT_TYPE, NO_CODE, OTHER_ROUTE, Metrics
from src.config.settings import PROJECT_ROOT
from src.core.stage_times import Stage
from src.core.types import EyeSide, Reason
from tests.unit.api.conftest import MODEL as CONTEXT_MODEL
from tests.unit.api.test_answers import eye

MODEL = replace(CONTEXT_MODEL, name='Eye"Net\\', device="GPU: Some card")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """What the page says of one series; None where it says nothing."""
    for family in text_string_to_metric_families(metrics.page().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


def labels_of(metrics: Metrics, name: str) -> list[dict[str, str]]:
    families = text_string_to_metric_families(metrics.page().decode())
    return [sample.labels for family in families for sample in family.samples if sample.name == name]


def test_restarts_are_those_of_the_service_not_of_this_process(metrics: Metrics) -> None:
    assert value(metrics, "eyenet_restarts_total") is None
    metrics.count_restarts(3)
    assert value(metrics, "eyenet_restarts_total") == 3


class TestRequests:
    def test_they_are_counted_by_route_method_status_and_code(self, metrics: Metrics) -> None:
        for _ in range(3):
            metrics.observe_request("/predict", "POST", 200, NO_CODE, 0.1, {})
        metrics.observe_request("/predict", "POST", 503, "busy", 0.1, {})

        counted = {"route": "/predict", "method": "POST"}
        assert value(metrics, "eyenet_requests_total", **counted, status="200", code="-") == 3
        assert value(metrics, "eyenet_requests_total", **counted, status="503", code="busy") == 1
        assert len(labels_of(metrics, "eyenet_requests_total")) == 2

    def test_refusals_do_not_make_the_good_answers_look_fast(self, metrics: Metrics) -> None:
        metrics.observe_request("/predict", "POST", 200, NO_CODE, 1.5, {})
        metrics.observe_request("/predict", "POST", 503, "busy", 0.0001, {})

        name, good = "eyenet_request_duration_seconds", {"route": "/predict", "status": "200"}
        assert value(metrics, f"{name}_count", **good) == 1
        assert value(metrics, f"{name}_sum", **good) == 1.5
        assert value(metrics, f"{name}_bucket", **good, le="1.0") == 0
        assert value(metrics, f"{name}_bucket", **good, le="2.0") == 1

    @pytest.mark.parametrize(("seconds", "below", "first"), [(0.0008, None, "0.001"), (29.0, "20.0", "30.0")])
    def test_the_buckets_reach_from_a_millisecond_to_half_a_minute(
        self, metrics: Metrics, seconds: float, below: str | None, first: str
    ) -> None:
        metrics.observe_request("/upload", "POST", 200, NO_CODE, seconds, {})
        name, labels = "eyenet_request_duration_seconds_bucket", {"route": "/upload", "status": "200"}
        assert value(metrics, name, **labels, le=first) == 1
        if below is not None:
            assert value(metrics, name, **labels, le=below) == 0

    def test_each_stage_that_was_reached_has_its_own_times(self, metrics: Metrics) -> None:
        metrics.observe_request("/predict", "POST", 200, NO_CODE, 1.0, {Stage.DECODE: 0.25, Stage.INFER: 0.5})
        metrics.observe_request("/predict", "POST", 400, "not_a_picture", 1.0, {Stage.DECODE: 0.25})

        name = "eyenet_stage_duration_seconds"
        assert value(metrics, f"{name}_sum", route="/predict", stage="decode") == 0.5
        assert value(metrics, f"{name}_count", route="/predict", stage="decode") == 2
        assert value(metrics, f"{name}_count", route="/predict", stage="infer") == 1
        assert value(metrics, f"{name}_count", route="/predict", stage="detect") is None

    def test_none_is_lost_when_many_threads_count(self, metrics: Metrics) -> None:
        def count_many(_worker: int) -> None:
            for _ in range(500):
                metrics.observe_request(OTHER_ROUTE, "GET", 404, "not_found", 0.01, {})

        with ThreadPoolExecutor(8) as workers:
            list(workers.map(count_many, range(8)))
        labels = {"route": "other", "method": "GET", "status": "404", "code": "not_found"}
        assert value(metrics, "eyenet_requests_total", **labels) == 4000


def test_batches_are_counted_by_their_size(metrics: Metrics) -> None:
    for size in (1, 2, 2, 10):
        metrics.observe_batch(size)
    assert value(metrics, "eyenet_batch_size_count") == 4
    assert value(metrics, "eyenet_batch_size_sum") == 15
    assert value(metrics, "eyenet_batch_size_bucket", le="1.0") == 1
    assert value(metrics, "eyenet_batch_size_bucket", le="2.0") == 3


def test_what_is_said_of_eyes_is_counted(metrics: Metrics) -> None:
    classes = ("Cataract", "Conjunctivitis", "Healthy", "Stye")
    sure = eye(EyeSide.LEFT)
    doubtful = replace(
        eye(EyeSide.RIGHT, (0.45, 0.3, 0.2, 0.05), reasons=(Reason.LOW_CONFIDENCE, Reason.BLURRY)), unfamiliarity=1.3
    )
    metrics.observe_eyes("/upload", [sure, doubtful], classes)
    metrics.observe_eyes("/predict", [sure], classes)
    metrics.observe_eyes("/predict", [], classes)
    name = "eyenet_answers_total"
    assert value(metrics, name, route="/upload", verdict="Healthy", inconclusive="false") == 1
    assert value(metrics, name, route="/predict", verdict="Healthy", inconclusive="false") == 1
    assert value(metrics, name, route="/upload", verdict="Cataract", inconclusive="true") == 1
    assert len(labels_of(metrics, name)) == 3
    assert {labels["reason"] for labels in labels_of(metrics, "eyenet_reasons_total")} == {"low_confidence", "blurry"}
    assert value(metrics, "eyenet_confidence_bucket", le="0.5") == 1
    assert value(metrics, "eyenet_confidence_count") == 3
    assert value(metrics, "eyenet_unfamiliarity_count") == 1
    assert value(metrics, "eyenet_unfamiliarity_bucket", le="1.2") == 0


def test_the_load_is_what_it_is_at_the_time_of_the_scrape(metrics: Metrics) -> None:
    load = {"in_flight": 0, "waiting": 0, "ready": False}
    metrics.watch_load(lambda: load["in_flight"], lambda: bool(load["ready"]))
    metrics.watch_queue(lambda: load["waiting"])
    names = ("eyenet_requests_in_flight", "eyenet_queue_length", "eyenet_ready")
    assert [value(metrics, name) for name in names] == [0, 0, 0]
    load |= {"in_flight": 7, "waiting": 5, "ready": True}
    assert [value(metrics, name) for name in names] == [7, 5, 1]


def test_the_model_is_named_once_it_is_loaded(metrics: Metrics) -> None:
    assert labels_of(metrics, "eyenet_model_info") == []
    metrics.set_model(MODEL)
    (labels,) = labels_of(metrics, "eyenet_model_info")
    assert labels == {
        "name": MODEL.name,
        "hash": "0123456789ab",
        "precision": "float32",
        "device": "GPU: Some card",
        "tensorflow": "2.14.1",
    }


def test_the_version_and_the_runtime_are_told_from_the_start(metrics: Metrics) -> None:
    assert value(metrics, "eyenet_build_info", version=__version__) == 1
    (labels,) = labels_of(metrics, "python_info")
    assert labels["version"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert value(metrics, "python_gc_collections_total", generation="0") is not None


@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
def test_memory_and_processor_time_are_told(metrics: Metrics) -> None:
    assert (value(metrics, "process_resident_memory_bytes") or 0) > 1_000_000
    assert (value(metrics, "process_cpu_seconds_total") or 0) > 0


def test_each_registry_is_its_own(metrics: Metrics) -> None:
    other = Metrics()
    metrics.observe_batch(2)
    assert value(other, "eyenet_batch_size_count") == 0
    assert not any(family.name.startswith("eyenet") for family in REGISTRY.collect())


def test_times_of_birth_do_not_bloat_the_page(metrics: Metrics) -> None:
    metrics.observe_request("/predict", "POST", 200, NO_CODE, 0.1, {Stage.DECODE: 0.1})
    assert b"_created" not in metrics.page()


def test_every_name_follows_the_conventions(metrics: Metrics) -> None:
    """https://prometheus.io/docs/practices/naming: a prefix, base units, counters end in _total."""
    metrics.observe_request("/predict", "POST", 200, NO_CODE, 0.1, {Stage.DECODE: 0.1})
    metrics.observe_eyes("/predict", [eye(EyeSide.LEFT, reasons=(Reason.BLURRY,))], ["a", "b", "c", "d"])
    metrics.set_model(MODEL)
    families = list(text_string_to_metric_families(metrics.page().decode()))
    assert all(family.name.split("_")[0] in ("eyenet", "process", "python") for family in families)
    assert all(family.documentation for family in families)
    for family in families:
        if family.type == "counter":
            assert {sample.name for sample in family.samples} == {f"{family.name}_total"}
    assert not any("milli" in family.name or family.name.endswith("_ms") for family in families)


def test_the_page_on_operations_has_every_metric_and_nothing_else(metrics: Metrics) -> None:
    metrics.watch_load(lambda: 0, lambda: True)
    metrics.watch_queue(lambda: 0)
    metrics.set_model(MODEL)
    metrics.count_restarts(0)
    # The first word after TYPE is the name as one asks for it, suffix included.
    told = set(re.findall(r"^# TYPE (eyenet_\w+)", metrics.page().decode(), re.MULTILINE))
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `eyenet_.*", page, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(eyenet_\w+)`", row)} == told


def test_the_content_type_is_that_of_the_text_format() -> None:
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"
