"""Bombs and heavy requests: what each costs alone, and what good requests through the gateway notice of them."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lab.chaos.bombs import bombs, decode_alone, file_of, small_picture
from lab.chaos.mutated_requests import HttpRequest
from lab.chaos.plan import Trial
from lab.chaos.traffic import TRAFFIC, figures_of
from lab.chaos.verdicts import more_of
from lab.common.backend import ServiceProcess
from lab.common.gateway import UNLIMITED, GatewayProcess
from lab.common.http import NoReply, exchange
from lab.common.load import SteadyJob, SteadyLoad
from lab.common.results import number, table
from lab.common.work import UPLOAD, requests_of

_SENT_AT_ONCE = 4
_REPLY_SECONDS = 90.0
_SETTLING_SECONDS = 1.0
_HEAVY_FRAMES = 32
_SMALL_RATE = 2.0
_MEGABYTE = 1024 * 1024


def measure_bombs(trial: Trial) -> dict[str, Any]:
    """Each bomb and its plain twin decoded alone; then each sent to two backends, beside good traffic."""
    plan, folder = trial.plan, trial.folder
    figures: list[dict[str, Any]] = []
    with (
        ServiceProcess(folder / "first.log") as first,
        ServiceProcess(folder / "second.log") as second,
        GatewayProcess(folder / "gateway", [first.port, second.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
    ):
        backends = (first, second)
        job = SteadyJob(gateway.port, requests_of(TRAFFIC, trial.bodies), plan.attack_rate)
        for bomb in bombs():
            trial.say(bomb.name)
            body = b'{"image": "%s"}' % base64.b64encode(bomb.file)
            alone = {}
            for name, content in (("bomb", bomb.file), ("plain", bomb.plain)):
                (folder / name).write_bytes(content)
                alone[name] = decode_alone(folder / name)
            pids = [backend.server_pid for backend in backends]
            for backend in backends:
                backend.forget_peak()
            before = [backend.resident_megabytes for backend in backends]
            with SteadyLoad(job) as load:
                answers = _answers(gateway.port, "/upload", body, _SENT_AT_ONCE)
                time.sleep(_SETTLING_SECONDS)
            lives = [backend.server_pid for backend in backends] == pids
            grown = [backend.peak_resident_megabytes - start for backend, start in zip(backends, before, strict=True)]
            figures.append(
                {
                    "name": bomb.name,
                    "bytes": len(bomb.file),
                    **alone,
                    "answers": answers,
                    "traffic": figures_of(load.outcome),
                    "backends_live": lives,
                    "grown_mb": round(max(grown), 1) if lives else None,
                }
            )
    return {"bombs": figures}


def measure_heavy(trial: Trial) -> dict[str, Any]:
    """Small uploads to one backend, one every half second, while requests of 32 frames of 12 megapixels are there."""
    frame = base64.b64encode(file_of(small_picture().resize((4000, 3000)), "JPEG", quality=30)).decode()
    body = json.dumps([{"image": frame}] * _HEAVY_FRAMES).encode()
    with (
        ServiceProcess(trial.folder / "backend.log") as backend,
        GatewayProcess(trial.folder / "gateway", [backend.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
    ):
        job = SteadyJob(gateway.port, requests_of((UPLOAD,), trial.bodies), _SMALL_RATE)
        backend.forget_peak()
        before, started = backend.resident_megabytes, time.perf_counter()
        with SteadyLoad(job) as load:
            answers = _answers(gateway.port, "/predict", body, trial.plan.heavy_requests)
        return {
            "sent": trial.plan.heavy_requests,
            "answers": answers,
            "body_mb": round(len(body) / _MEGABYTE, 1),
            "seconds": round(time.perf_counter() - started, 1),
            "traffic": {**figures_of(load.outcome), "slowest_ms": max(load.outcome.latencies_ms, default=None)},
            "grown_mb": round(backend.peak_resident_megabytes - before, 1),
        }


def _answers(port: int, path: str, body: bytes, at_once: int) -> dict[str, int]:
    """Statuses, "400 no_eyes_detected" of noise being as good as 200; "closed" where there was none; and how often."""
    request = HttpRequest("POST", path, (("Content-Type", "application/json"),), body).raw

    def send(_: int) -> str:
        try:
            reply = exchange(port, request, _REPLY_SECONDS)
        except NoReply:
            return "closed"
        return "200" if b'"no_eyes_detected"' in reply.body else str(reply.status)

    with ThreadPoolExecutor(at_once) as senders:
        return dict(Counter(senders.map(send, range(at_once))))


def bombs_section(bombs: Mapping[str, Any], heavy: Mapping[str, Any]) -> str:
    """Of the page; empty without figures."""
    section = ""
    if bombs:
        rows = [
            [
                bomb["name"],
                f"{bomb['bytes']:,}",
                f"{bomb['bomb']['outcome']}, {more_of(bomb, 'megabytes'):+.0f} MB, {more_of(bomb, 'seconds'):+.2f} s",
                ", ".join(f"{status} {count}" for status, count in bomb["answers"].items()),
                f"{bomb['traffic']['failed']} of {bomb['traffic']['sent']}",
                number(bomb["traffic"]["p99_ms"], ",.0f"),
                number(bomb["grown_mb"], "+.0f"),
            ]
            for bomb in bombs["bombs"]
        ]
        header = [
            "bomb",
            "bytes",
            "alone, beside a plain one",
            "four at once",
            "good ones lost",
            "p99, ms",
            "backend, MB",
        ]
        section += (
            "## Bombs\n\nEach decoded alone in a new process, and beside it a plain picture of its format and pixels; "
            "then four at once sent to two backends, beside good traffic. The last column is how much the larger "
            f"backend grew at its peak, bodies included.\n\n{table(header, rows)}\n"
        )
    if heavy:
        small = heavy["traffic"]
        answers = ", ".join(f"{status} {count}" for status, count in sorted(heavy["answers"].items()))
        section += (
            f"## Heavy requests\n\n{heavy['sent']} of {_HEAVY_FRAMES} frames of 12 megapixels "
            f"({heavy['body_mb']:g} MB each) at once to one backend, answered {answers} within "
            f"{heavy['seconds']:.0f} s. {small['sent']} small uploads meanwhile: p50 "
            f"{number(small['p50_ms'], ',.0f')} ms, slowest "
            f"{number(small['slowest_ms'], ',.0f')} ms. The backend grew by {heavy['grown_mb']:.0f} MB at its peak.\n"
        )
    return section
