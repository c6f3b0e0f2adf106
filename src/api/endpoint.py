"""A path of ours, and the one wrapper of its handlers: who may, deadline, errors, envelope, CORS, id, log, counts."""

from __future__ import annotations

import contextlib
import logging
import re
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from robyn import Request, Response

from src.api.access import Access
from src.api.admission import within
from src.api.answers import Envelope, HttpAnswer, plain_envelope, render_error
from src.api.context import ApiContext
from src.api.metrics import NO_CODE
from src.core.errors import Draining, EyeNetError, InternalError, memory_ran_out
from src.core.stage_times import Stage, StageTimes

Handler: TypeAlias = Callable[[Request, StageTimes], Coroutine[Any, Any, HttpAnswer]]
RobynHandler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

_log = logging.getLogger("eyenet.request")
# A client's own id is kept if it cannot break a log line or a header.
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# W3C Trace Context, version 00: neither of the ids may be all zeros.
_TRACEPARENT = re.compile(r"00-(?P<id>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Route:
    """All that there is to know of one path.

    Attributes:
        path: as Robyn knows it.
        handlers: by method; the preflight and 405 for all other methods come by themselves, and need no key.
        access: what its handlers ask of who comes.
        openapi: what the OpenAPI document says of it, by method in lower case; empty for the files of a page.
        counted_as: the name under which its requests are counted and logged; the path itself where it is not said. A
            path that is not ours is text of users, a file's name perhaps, and never stands there.
        envelope: shape of its errors.
        log_level: of the line that tells of each request. Probes ask every few seconds, pages once per file.
        timeout_s: seconds after which a request is given up; None: never.
    """

    path: str
    handlers: Mapping[str, Handler]
    access: Access
    openapi: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    counted_as: str = ""
    envelope: Envelope = plain_envelope
    log_level: int = logging.DEBUG
    timeout_s: float | None = None


def endpoint(context: ApiContext, handler: Handler, route: Route) -> RobynHandler:
    """The handler as Robyn wants it: whatever happens inside, there is an answer of our shape.

    Args:
        context: shared by all endpoints.
        handler: may raise anything.
        route: that it belongs to.
    """
    name = route.counted_as or route.path

    async def answer_request(request: Request) -> Response:
        try:
            return await answer_or_error(request)
        except MemoryError:
            # There was not even enough for the answer that says so.
            context.lose()
            raise

    async def answer_or_error(request: Request) -> Response:
        started = time.perf_counter()
        times = StageTimes()
        request_id = _request_id(request)
        trace = _TRACEPARENT.fullmatch(request.headers.get("traceparent") or "")
        whose = ""
        error: EyeNetError | None = None
        try:
            # Before anything of the request is looked at.
            context.hosts.check(request.headers.get("host"))
            if request.method == "POST":
                context.cors.check(request.headers.get)
            if route.access is Access.GUARDED:
                whose = context.doorkeeper.check(request.headers.get)
            answering = handler(request, times)
            # Out here, because work that is late keeps its place and its turn, and its client is told at once.
            answer = await (answering if route.timeout_s is None else within(route.timeout_s, answering))
        except Exception as problem:
            # Whatever it was, the client gets the error shape and the next request is served.
            error = _error_of(problem, context, request_id)
        if error is not None:
            answer = route.envelope(error.status, render_error(error), error.headers)
        seconds = time.perf_counter() - started
        stages = times.seconds()
        status, code = (error.status, error.code) if error else (answer.status, NO_CODE)
        context.metrics.observe_request(name, request.method, status, code, seconds, stages)
        _log.log(
            route.log_level,
            "id=%s method=%s path=%s status=%d code=%s ms=%.1f bytes_out=%d%s%s%s",
            request_id,
            request.method,
            name,
            status,
            code,
            seconds * 1000,
            len(answer.body),
            "".join(f" {stage.value}_ms={taken * 1000:.1f}" for stage, taken in stages.items()),
            f" trace={trace['id']}" if trace else "",
            f" key={whose}" if whose else "",
        )
        headers = {
            **context.cors.headers(request.headers.get("origin")),
            "X-Request-ID": request_id,
            **({"traceparent": trace[0]} if trace else {}),
            **_server_timing(stages, seconds),
            **answer.headers,
        }
        return Response(status_code=answer.status, headers=headers, description=answer.body)

    return answer_request


def _error_of(problem: Exception, context: ApiContext, request_id: str) -> EyeNetError:
    """What the client is told of it."""
    if memory_ran_out(problem):
        # What a library was in the middle of then is in an unknown state: the next request is another process's.
        context.lose()
        with contextlib.suppress(MemoryError):
            _log.critical("id=%s failed: memory ran out", request_id)
        return Draining()
    if isinstance(problem, EyeNetError):
        return problem
    _log.error("id=%s failed", request_id, exc_info=problem)
    return InternalError()


def _request_id(request: Request) -> str:
    sent = request.headers.get("x-request-id")
    return sent if sent and _CLIENT_REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def _server_timing(stages: Mapping[Stage, float], total_seconds: float) -> dict[str, str]:
    """W3C Server Timing: milliseconds of each stage that was reached, then of the whole; nothing without stages."""
    if not stages:
        return {}
    durations = {**{stage.value: seconds for stage, seconds in stages.items()}, "total": total_seconds}
    return {"Server-Timing": ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in durations.items())}
