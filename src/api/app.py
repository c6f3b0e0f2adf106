"""Builds the Robyn application: every path and every method has an answer of ours."""

from __future__ import annotations

import logging

from robyn import Request, Robyn
from robyn.argument_parser import Config
from robyn.robyn import HttpMethod

from src.api.access import Access
from src.api.context import ApiContext
from src.api.endpoint import Handler, Style, endpoint
from src.api.envelope import Answer, plain_envelope
from src.api.metrics import OTHER_ROUTE
from src.api.paths import Path, paths_of
from src.core.errors import MethodNotAllowed, NotFound
from src.core.stage_times import StageTimes

_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


def build_app(context: ApiContext) -> Robyn:
    """The application, not yet listening.

    Raises:
        StartupError: the demo page's files are missing.
    """
    app = Robyn(__file__, config=_robyn_config())
    paths = paths_of(context)
    for name, path in paths.items():
        _add_path(app, context, name, path)
    # A path that is registered twice would be answered by whichever Robyn finds first.
    for name in {"/", "/*rest"} - set(paths):
        for method in _ALL_METHODS:
            _add_route(app, context, method, name, _not_found, Style(OTHER_ROUTE, plain_envelope, logging.INFO))
    return app


def _robyn_config() -> Config:
    # Robyn reads the command line into this; what we decide is not up to stray arguments.
    config = Config()
    config.processes = config.workers = 1
    config.disable_openapi = True
    config.log_level = "WARN"
    return config


def _add_path(app: Robyn, context: ApiContext, name: str, path: Path) -> None:
    """The path's own methods, its preflight, and 405 for all others."""
    style = Style(path.route, path.envelope, path.log_level)
    allowed = ", ".join([*path.handlers, "OPTIONS"])
    for method in _ALL_METHODS:
        if method in path.handlers:
            handler = path.handlers[method]
            _add_route(app, context, method, name, _admitted(context, handler, path.access), style)
        elif method == "OPTIONS":
            _add_route(app, context, method, name, _preflight(context, allowed), style)
        else:
            _add_route(app, context, method, name, _method_not_allowed(name, allowed), style)


def _add_route(app: Robyn, context: ApiContext, method: str, path: str, handler: Handler, style: Style) -> None:
    app.add_route(getattr(HttpMethod, method), path, endpoint(context, handler, style))


def _admitted(context: ApiContext, handler: Handler, access: Access) -> Handler:
    if access is Access.OPEN:
        return handler

    async def admitted(request: Request, times: StageTimes) -> Answer:
        # Before anything of the request is looked at.
        context.doorkeeper.check(request.headers.get)
        return await handler(request, times)

    return admitted


def _preflight(context: ApiContext, allowed: str) -> Handler:
    async def preflight(request: Request, _times: StageTimes) -> Answer:
        headers = context.cors.preflight_headers(request.headers.get("origin"), allowed)
        return Answer(204, headers={**headers, "Allow": allowed})

    return preflight


def _method_not_allowed(path: str, allowed: str) -> Handler:
    async def method_not_allowed(_request: Request, _times: StageTimes) -> Answer:
        raise MethodNotAllowed(f"{path} takes {allowed}.", allowed)

    return method_not_allowed


async def _not_found(_request: Request, _times: StageTimes) -> Answer:
    raise NotFound("There is nothing at this path; see the README for the routes.")
