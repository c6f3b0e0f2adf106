"""What the service tells Prometheus of itself: requests, errors, stages, batches, load, model, process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from src import __version__
from src.core.stage_times import Stage
from src.core.types import EyeReport, ModelInfo

# The version that every scraper reads; names and labels here need nothing newer.
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

OTHER_ROUTE = "other"
"""The route of a request to a path that is not ours. Paths are text of users: as labels they would never end."""

NO_CODE = "-"
"""The code of an answer that is not an error."""

_SECONDS_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
# Up to the largest INFERENCE_BATCH_SIZE.
_BATCH_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16)

_CONFIDENCE_BUCKETS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
# 1 and 1.6 are where an eye begins to be unfamiliar, and to be none.
_UNFAMILIARITY_BUCKETS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.6, 2.0, 3.0)

# For the whole library: a time of birth for each series would make the page a third longer, and nothing asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """All metrics of one process, in a registry of its own. Safe to use from many threads.

    Labels take values of ours only: a route, a method that the router knows, a status, a stable code, a stage.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "eyenet_requests",
            "Requests answered. code is the stable code of an error, - where there was none.",
            ("route", "method", "status", "code"),
            registry=registry,
        )
        self._request_seconds = Histogram(
            "eyenet_request_duration_seconds",
            "From the moment the body has arrived until the answer is handed to the server.",
            ("route", "status"),
            buckets=_SECONDS_BUCKETS,
            registry=registry,
        )
        self._stage_seconds = Histogram(
            "eyenet_stage_duration_seconds",
            "Time per stage of one request, its frames added up: they are worked on side by side.",
            ("route", "stage"),
            buckets=_SECONDS_BUCKETS,
            registry=registry,
        )
        self._batch_size = Histogram(
            "eyenet_batch_size", "Eye crops in one forward pass.", buckets=_BATCH_BUCKETS, registry=registry
        )
        self._answers = Counter(
            "eyenet_answers",
            "Eyes answered, by the class that was said and by whether the answer was inconclusive.",
            ("route", "verdict", "inconclusive"),
            registry=registry,
        )
        self._reasons = Counter(
            "eyenet_reasons",
            "Reasons why answers were inconclusive; one may have several.",
            ("reason",),
            registry=registry,
        )
        self._confidence = Histogram(
            "eyenet_confidence",
            "Score of the class that was said, 0-1.",
            buckets=_CONFIDENCE_BUCKETS,
            registry=registry,
        )
        self._unfamiliarity = Histogram(
            "eyenet_unfamiliarity",
            "How unlike the training an eye is; nothing for a model without statistics.",
            buckets=_UNFAMILIARITY_BUCKETS,
            registry=registry,
        )
        Info("eyenet_build", "The service.", registry=registry).info({"version": __version__})
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def count_restarts(self, restarts: int) -> None:
        """The server processes that died before this one; call it once."""
        counter = Counter(
            "eyenet_restarts", "Server processes that died and were followed by another.", registry=self._registry
        )
        counter.inc(restarts)

    def watch_load(self, in_flight: Callable[[], int], ready: Callable[[], bool]) -> None:
        """From now on these are asked at every scrape; call it once."""
        self._watch("eyenet_requests_in_flight", "Requests worked on or waiting.", in_flight)
        self._watch(
            "eyenet_ready",
            "1 while requests are taken; 0 while starting or draining, and when a part of the service is dead.",
            ready,
        )

    def watch_queue(self, length: Callable[[], int]) -> None:
        """The same for the requests that wait for their turn."""
        self._watch("eyenet_queue_length", "Requests that wait for their turn.", length)

    def set_model(self, model: ModelInfo) -> None:
        """The model is loaded; call it once."""
        info = Info("eyenet_model", "The loaded model; hash opens its file's SHA-256.", registry=self._registry)
        info.info(
            {
                "name": model.name,
                "hash": model.short_hash,
                "precision": model.precision,
                "device": model.device,
                "tensorflow": model.tensorflow,
            }
        )

    def observe_request(
        self, route: str, method: str, status: int, code: str, seconds: float, stages: Mapping[Stage, float]
    ) -> None:
        """One request was answered.

        Args:
            route: one of our paths or `OTHER_ROUTE`.
            method: one that the router knows.
            status: what happened, also where the legacy envelope says 200.
            code: the error's, or `NO_CODE`.
            seconds: the whole request.
            stages: seconds of the stages that it reached.
        """
        self._requests.labels(route, method, status, code).inc()
        self._request_seconds.labels(route, status).observe(seconds)
        for stage, stage_seconds in stages.items():
            self._stage_seconds.labels(route, stage.value).observe(stage_seconds)

    def observe_eyes(self, route: str, eyes: Iterable[EyeReport], classes: Sequence[str]) -> None:
        """What was said of the eyes of one request, by which a drift of cameras or of the model is seen."""
        for eye in eyes:
            self._answers.labels(route, classes[eye.best_class], str(eye.inconclusive).lower()).inc()
            self._confidence.observe(eye.confidence)
            if eye.unfamiliarity is not None:
                self._unfamiliarity.observe(eye.unfamiliarity)
            for reason in eye.reasons:
                self._reasons.labels(reason.value).inc()

    def observe_batch(self, size: int) -> None:
        """One forward pass over `size` crops."""
        self._batch_size.observe(size)

    def page(self) -> bytes:
        """Everything as text in `CONTENT_TYPE`. Asks /proc, so it belongs off the loop."""
        return generate_latest(self._registry)

    def _watch(self, name: str, meaning: str, read: Callable[[], int]) -> None:
        Gauge(name, meaning, registry=self._registry).set_function(read)
