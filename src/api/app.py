"""Builds the Robyn application: every path and every method has an answer of ours."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from robyn import Request, Robyn
from robyn.argument_parser import Config
from robyn.robyn import HttpMethod

from src.api.context import ApiContext
from src.api.documents import document_files
from src.api.endpoint import Handler, Style, endpoint
from src.api.envelope import Answer, plain_envelope
from src.api.page_files import INDEX, read_page_files
from src.api.routes.health import health_handler, live_handler
from src.api.routes.metrics import metrics_handler
from src.api.routes.predict import predict_handler
from src.api.routes.static_file import static_file_handler
from src.api.routes.upload import upload_handler
from src.api.static_file import StaticFile
from src.config.settings import ASSETS_DIR
from src.core.errors import MethodNotAllowed, NotFound
from src.core.stage_times import StageTimes
from src.services.metrics import OTHER_ROUTE

_PAGE_PREFIX = "/assets/web"
_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


def build_app(context: ApiContext) -> Robyn:
    """The application, not yet listening.

    Raises:
        StartupError: the demo page's files are missing.
    """
    app = Robyn(__file__, config=_robyn_config())
    # `/predict` and `/upload` are what the first frontend calls; operators' routes always speak plain HTTP, and are
    # asked every few seconds by every probe.
    operators = {"/health": health_handler(context), "/live": live_handler()}
    if context.settings.metrics:
        operators["/metrics"] = metrics_handler(context)
    analysis = {"/predict": predict_handler(context), "/upload": upload_handler(context)}
    for path, handler in analysis.items():
        _add_path(app, context, path, {"POST": handler}, Style(path, context.envelope, logging.INFO))
    for path, handler in operators.items():
        _add_path(app, context, path, {"GET": handler, "HEAD": handler}, Style(path, plain_envelope, logging.DEBUG))
    pages = ["/"] if context.settings.demo_page else []
    for path, file in document_files(context.settings, [*analysis, *operators, *pages]).items():
        _add_file(app, context, path, file, path)
    if context.settings.demo_page:
        _add_page(app, context)
    # A path that is registered twice would be answered by whichever Robyn finds first.
    for path in ("/*rest",) if context.settings.demo_page else ("/", "/*rest"):
        for method in _ALL_METHODS:
            _add_route(app, context, method, path, _not_found, Style(OTHER_ROUTE, plain_envelope, logging.INFO))
    return app


def _robyn_config() -> Config:
    # Robyn reads the command line into this; what we decide is not up to stray arguments.
    config = Config()
    config.processes = config.workers = 1
    config.disable_openapi = True
    config.log_level = "WARN"
    return config


def _add_page(app: Robyn, context: ApiContext) -> None:
    """One route per file, so that no other path can be asked for."""
    for name, file in read_page_files(ASSETS_DIR / "web").items():
        path, route = ("/", "/") if name == INDEX else (f"{_PAGE_PREFIX}/{name}", _PAGE_PREFIX)
        _add_file(app, context, path, file, route)


def _add_file(app: Robyn, context: ApiContext, path: str, file: StaticFile, route: str) -> None:
    handler = static_file_handler(file)
    _add_path(app, context, path, {"GET": handler, "HEAD": handler}, Style(route, plain_envelope, logging.DEBUG))


def _add_path(app: Robyn, context: ApiContext, path: str, handlers: Mapping[str, Handler], style: Style) -> None:
    """The path's own methods, its preflight, and 405 for all others."""
    allowed = ", ".join([*handlers, "OPTIONS"])
    for method in _ALL_METHODS:
        if method in handlers:
            _add_route(app, context, method, path, handlers[method], style)
        elif method == "OPTIONS":
            _add_route(app, context, method, path, _preflight(context, allowed), style)
        else:
            _add_route(app, context, method, path, _method_not_allowed(path, allowed), style)


def _add_route(app: Robyn, context: ApiContext, method: str, path: str, handler: Handler, style: Style) -> None:
    app.add_route(getattr(HttpMethod, method), path, endpoint(context, handler, style))


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
