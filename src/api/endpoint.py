"""The one wrapper of every handler: errors, envelope, CORS, request id, log line, times and counts."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from robyn import Request, Response

from src.api.answers import render_error
from src.api.context import ApiContext
from src.api.envelope import Answer, Envelope
from src.api.metrics import NO_CODE
from src.api.server_timing import server_timing_headers
from src.core.errors import EyeNetError, InternalError
from src.core.stage_times import Stage, StageTimes

Handler: TypeAlias = Callable[[Request, StageTimes], Awaitable[Answer]]
RobynHandler: TypeAlias = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("eyenet.request")
# A client's own id is kept if it cannot break a log line or a header.
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Style:
    """What a path has beside its handlers.

    Attributes:
        route: under which its requests are counted and logged. The path itself is text of users, a file's name perhaps.
        envelope: shape of its errors.
        log_level: of the line that tells of each request.
    """

    route: str
    envelope: Envelope
    log_level: int


def endpoint(context: ApiContext, handler: Handler, style: Style) -> RobynHandler:
    """The handler as Robyn wants it: whatever happens inside, there is an answer of our shape.

    Args:
        context: shared by all endpoints.
        handler: may raise anything.
        style: of the path.
    """

    async def answer_request(request: Request) -> Response:
        started = time.perf_counter()
        times = StageTimes()
        request_id = _request_id(request)
        error: EyeNetError | None = None
        try:
            answer = await handler(request, times)
        except EyeNetError as known:
            error = known
        except Exception:
            # Whatever it was, the client gets the error shape and the next request is served.
            _log.exception("id=%s failed", request_id)
            error = InternalError()
        if error is not None:
            answer = style.envelope(error.status, render_error(error), error.headers)
        seconds = time.perf_counter() - started
        stages = times.seconds()
        status, code = (error.status, error.code) if error else (answer.status, NO_CODE)
        context.metrics.observe_request(style.route, request.method, status, code, seconds, stages)
        _log.log(
            style.log_level,
            "id=%s method=%s path=%s status=%d code=%s ms=%.1f bytes_out=%d%s",
            request_id,
            request.method,
            style.route,
            status,
            code,
            seconds * 1000,
            len(answer.body),
            _stage_pairs(stages),
        )
        headers = {
            **context.cors.headers(request.headers.get("origin")),
            "X-Request-ID": request_id,
            **server_timing_headers(stages, seconds),
            **answer.headers,
        }
        return Response(status_code=answer.status, headers=headers, description=answer.body)

    return answer_request


def _request_id(request: Request) -> str:
    sent = request.headers.get("x-request-id")
    return sent if sent and _CLIENT_REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def _stage_pairs(stages: Mapping[Stage, float]) -> str:
    return "".join(f" {stage.value}_ms={seconds * 1000:.1f}" for stage, seconds in stages.items())
