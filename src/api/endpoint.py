"""The one wrapper of every handler: errors, envelope, CORS, request id, log line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from robyn import Request, Response

from src.api.answers import render_error
from src.api.context import ApiContext
from src.api.envelope import Answer, Envelope
from src.core.errors import EyeNetError, InternalError

Handler: TypeAlias = Callable[[Request], Awaitable[Answer]]
RobynHandler: TypeAlias = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("eyenet.request")
# A client's own id is kept if it cannot break a log line or a header.
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def endpoint(context: ApiContext, handler: Handler, envelope: Envelope, log_level: int) -> RobynHandler:
    """The handler as Robyn wants it: whatever happens inside, there is an answer of our shape.

    Args:
        context: shared by all endpoints.
        handler: may raise anything.
        envelope: shape of errors.
        log_level: of the line that tells of each request.
    """

    async def answer_request(request: Request) -> Response:
        started = time.perf_counter()
        request_id = _request_id(request)
        error: EyeNetError | None = None
        try:
            answer = await handler(request)
        except EyeNetError as known:
            error = known
        except Exception:
            # Whatever it was, the client gets the error shape and the next request is served.
            _log.exception("id=%s failed", request_id)
            error = InternalError()
        if error is not None:
            answer = envelope(error.status, render_error(error), error.headers)
        _log.log(
            log_level,
            "id=%s method=%s path=%s status=%d code=%s ms=%.1f bytes_out=%d",
            request_id,
            request.method,
            _printable(request.url.path),
            error.status if error else answer.status,
            error.code if error else "-",
            (time.perf_counter() - started) * 1000,
            len(answer.body),
        )
        headers = {**context.cors.headers(request.headers.get("origin")), "X-Request-ID": request_id, **answer.headers}
        return Response(status_code=answer.status, headers=headers, description=answer.body)

    return answer_request


def _request_id(request: Request) -> str:
    sent = request.headers.get("x-request-id")
    return sent if sent and _CLIENT_REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def _printable(path: str) -> str:
    return "".join(character if character.isprintable() and character != " " else "?" for character in path[:128])
