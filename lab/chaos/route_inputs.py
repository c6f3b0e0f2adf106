"""Sends mutated requests to the real process, and judges every answer."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from lab.bench.client import Client
from lab.bench.summary import growth, percentile
from lab.bench.work import UPLOAD, body_of
from lab.chaos.backend import Backend, usage_of
from lab.chaos.drawing import for_each_drawn
from lab.chaos.good_traffic import UNLIMITED
from lab.chaos.mutated_requests import HttpRequest, requests
from lab.chaos.raw_http import NoReply, RawReply, exchange, has_error_shape
from lab.common.backend import free_port
from lab.common.gateway import GatewayProcess

LONGEST_SECONDS = 30.0
"""For one answer, before it counts as lost."""

_MEMORY_SAMPLES = 100


@dataclass(slots=True)
class RouteFigures:
    """
    Attributes:
        requests: sent.
        answers: by status, and how often.
        problems: what was wrong with an answer, and how often; an example of each lies in the folder.
        slowest_ms: of one answer.
        p99_ms: of all.
        resident_mb: memory of the process over the requests.
        memory_growth: see `lab.bench.summary.growth`.
        survived: whether the same process answered from the first to the last request.
        good_afterwards: status of a good request after all of them.
    """

    requests: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    slowest_ms: float = 0.0
    p99_ms: float = 0.0
    resident_mb: list[float] = field(default_factory=list)
    memory_growth: float | None = None
    survived: bool = False
    good_afterwards: int | None = None


def measure_routes(count: int, folder: Path) -> dict[str, Any]:
    """The figures of so many requests, half of them to a bare backend, half through the gateway."""
    with Backend(free_port(), folder / "routes.log") as backend:
        bare = _measure(backend, backend.port, requests(with_multipart=False), count // 2, folder)
        with GatewayProcess(folder / "routes.gateway", [backend.port], RATE_PER_ADDRESS=UNLIMITED) as gateway:
            guarded = _measure(backend, gateway.port, requests(with_multipart=True), count - count // 2, folder)
    return {"bare": asdict(bare), "gateway": asdict(guarded)}


def _measure(
    backend: Backend, port: int, inputs: st.SearchStrategy[HttpRequest], count: int, folder: Path
) -> RouteFigures:
    figures = RouteFigures()
    milliseconds: list[float] = []
    every = max(1, count // _MEMORY_SAMPLES)
    pid = backend.server_pid()

    def send(request: HttpRequest) -> None:
        started = time.perf_counter()
        status, problem = judge(port, request)
        milliseconds.append((time.perf_counter() - started) * 1000)
        figures.answers[status] = figures.answers.get(status, 0) + 1
        if problem is not None:
            figures.problems[problem] = figures.problems.get(problem, 0) + 1
            (folder / f"request.{problem.replace(' ', '_')}").write_bytes(request.raw)
        figures.requests += 1
        if figures.requests % every == 0 and backend.server_pid() is not None:
            figures.resident_mb.append(usage_of(backend.server).resident_mb)

    good = body_of(UPLOAD)
    with Client(port) as client:
        # What is loaded on the first requests does not count as growth.
        for _ in range(5):
            client.post(UPLOAD.path, good)
        for_each_drawn(inputs, count, send)
        figures.survived = backend.server_pid() == pid
        figures.good_afterwards = client.post(UPLOAD.path, good).status if figures.survived else None
    figures.slowest_ms, figures.p99_ms = max(milliseconds), percentile(milliseconds, 99)
    figures.memory_growth = growth(figures.resident_mb) if len(figures.resident_mb) >= 4 else None
    return figures


def judge(port: int, request: HttpRequest) -> tuple[str, str | None]:
    """The status of the answer to a request, and what is wrong with the answer, if anything is."""
    try:
        reply = exchange(port, request.raw, LONGEST_SECONDS)
    except NoReply as error:
        return "none", f"no answer {error}"
    return str(reply.status), problem_of(request, reply)


def problem_of(request: HttpRequest, reply: RawReply) -> str | None:
    """What is wrong with an answer: a failure of ours, another shape, or no JSON; None where nothing is."""
    if reply.status >= 500 and reply.status != 503:
        return f"status {reply.status}"
    if request.method == "HEAD" or reply.status in (204, 304):
        return None if not reply.body else "body where none may be"
    if reply.status >= 400:
        return None if has_error_shape(reply) else f"shape of {reply.status}"
    if reply.headers.get("content-type") == "application/json":
        try:
            json.loads(reply.body)
        except ValueError:
            return "not JSON"
    return None
