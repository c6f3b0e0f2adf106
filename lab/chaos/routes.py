"""Sends mutated requests to the real process, and judges every answer."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from lab.chaos.mutated_requests import HttpRequest, for_each_drawn, requests
from lab.chaos.plan import Trial
from lab.common.backend import ServiceProcess
from lab.common.gateway import UNLIMITED, GatewayProcess
from lab.common.http import Client, NoReply, Reply, exchange, has_error_shape
from lab.common.summary import growth_of, percentile
from lab.common.work import PREDICT_5, UPLOAD, body_of

_LONGEST_SECONDS = 30.0
_MEMORY_SAMPLES = 100
_AT_ONCE = 4


def measure_routes(trial: Trial) -> dict[str, Any]:
    """Half of the requests go to a bare backend, half through the gateway.

    Returns:
        of each half: `requests` sent; `answers` by status, and how often; `problems`, what was wrong with an answer,
        and how often, of which an example lies in the folder; `slowest_ms` of one answer, `p99_ms` of all;
        `resident_mb`, memory of the process over the requests, and its `memory_growth`; `survived`, whether the same
        process answered from the first to the last; `good_afterwards`, the status of a good request after all of them.
    """
    half = trial.plan.requests // 2
    with ServiceProcess(trial.folder / "backend.log") as backend:
        bare = _measure(backend, backend.port, requests(with_multipart=False), half, trial.folder)
        with GatewayProcess(trial.folder / "gateway", [backend.port], RATE_PER_ADDRESS=UNLIMITED) as gateway:
            rest = trial.plan.requests - half
            guarded = _measure(backend, gateway.port, requests(with_multipart=True), rest, trial.folder)
    return {"bare": bare, "gateway": guarded}


def _measure(
    backend: ServiceProcess, port: int, inputs: st.SearchStrategy[HttpRequest], count: int, folder: Path
) -> dict[str, Any]:
    answers: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    milliseconds: list[float] = []
    resident_mb: list[float] = []
    every = max(1, count // _MEMORY_SAMPLES)
    pid = backend.server_pid

    def send(request: HttpRequest) -> None:
        started = time.perf_counter()
        status, problem = judge(port, request)
        milliseconds.append((time.perf_counter() - started) * 1000)
        answers[status] += 1
        if problem is not None:
            problems[problem] += 1
            (folder / f"request.{problem.replace(' ', '_')}").write_bytes(request.raw)
        if len(milliseconds) % every == 0 and backend.server_pid is not None:
            resident_mb.append(round(backend.resident_megabytes, 1))

    good = body_of(UPLOAD)
    _warm_up(port)
    with Client(port) as client:
        for_each_drawn(inputs, count, send)
        survived = backend.server_pid == pid
        good_afterwards = client.ask(UPLOAD.path, good).status if survived else None
    return {
        "requests": len(milliseconds),
        "answers": answers,
        "problems": problems,
        "slowest_ms": max(milliseconds),
        "p99_ms": percentile(milliseconds, 99),
        "resident_mb": resident_mb,
        "memory_growth": growth_of(resident_mb),
        "survived": survived,
        "good_afterwards": good_afterwards,
    }


def _warm_up(port: int) -> None:
    """Good requests until several passes at once have been through: the pools that they fill are no growth."""

    def ask(_: int) -> None:
        with Client(port) as client:
            for work in (UPLOAD, PREDICT_5):
                client.ask(work.path, body_of(work))

    with ThreadPoolExecutor(_AT_ONCE) as clients:
        list(clients.map(ask, range(2 * _AT_ONCE)))


def judge(port: int, request: HttpRequest) -> tuple[str, str | None]:
    """The status of the answer to a request, and what is wrong with the answer, if anything is."""
    try:
        reply = exchange(port, request.raw, _LONGEST_SECONDS)
    except NoReply as error:
        return "none", f"no answer {error}"
    return str(reply.status), problem_of(request, reply)


def problem_of(request: HttpRequest, reply: Reply) -> str | None:
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
