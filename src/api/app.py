"""Builds the Robyn application out of the table of its paths: every path and every method has an answer of ours."""

from __future__ import annotations

import logging
from dataclasses import replace

from robyn import Request, Robyn
from robyn.argument_parser import Config
from robyn.robyn import HttpMethod

from src.api.access import Access
from src.api.answers import HttpAnswer
from src.api.context import ApiContext
from src.api.endpoint import Handler, Route, endpoint
from src.api.metrics import OTHER_ROUTE
from src.api.openapi import operations
from src.api.routes.health import health_handler, live_handler
from src.api.routes.metrics import metrics_handler
from src.api.routes.predict import predict_handler
from src.api.routes.upload import upload_handler
from src.api.static_files import demo_page_routes, document_routes
from src.core.errors import MethodNotAllowed, NotFound
from src.core.stage_times import StageTimes

_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


def build_app(context: ApiContext) -> Robyn:
    """The application, not yet listening.

    Raises:
        StartupError: the files of the pages are missing.
    """
    app = Robyn(__file__, config=_robyn_config())
    routes = routes_of(context)
    for route in routes:
        _add_route(app, context, route)
    # A path that is registered twice would be answered by whichever Robyn finds first.
    for path in {"/", "/*rest"} - {route.path for route in routes}:
        elsewhere = Route(path, {}, Access.OPEN, counted_as=OTHER_ROUTE, log_level=logging.INFO)
        for method in _ALL_METHODS:
            _add_handler(app, context, method, _not_found, elsewhere)
    return app


def routes_of(context: ApiContext) -> list[Route]:
    """What there is: a path that is not here is answered 404, key or no key.

    Raises:
        StartupError: the files of the pages are missing.
    """
    settings = context.settings
    # These two are what the first frontend calls; all others always speak plain HTTP.
    analysis = Route(
        "/predict",
        {"POST": predict_handler(context)},
        Access.GUARDED,
        operations.predict(settings),
        envelope=context.envelope,
        log_level=logging.INFO,
        timeout_s=settings.request_timeout_s,
    )
    upload = {"POST": upload_handler(context)}
    health, live, metrics = health_handler(context), live_handler(context), metrics_handler(context)
    public_metrics = Access.open_if(settings.public_metrics)
    routes = [
        analysis,
        replace(analysis, path="/upload", handlers=upload, openapi=operations.upload(settings)),
        Route("/health", {"GET": health, "HEAD": health}, Access.OPEN, operations.health(settings)),
        Route("/live", {"GET": live, "HEAD": live}, Access.OPEN, operations.live()),
    ]
    if settings.metrics:
        routes.append(Route("/metrics", {"GET": metrics, "HEAD": metrics}, public_metrics, operations.metrics()))
    if settings.demo_page:
        routes += demo_page_routes()
    return [*routes, *document_routes(settings, routes)]


def _robyn_config() -> Config:
    # Robyn reads the command line into this; what we decide is not up to stray arguments.
    config = Config()
    config.processes = config.workers = 1
    config.disable_openapi = True
    config.log_level = "WARN"
    return config


def _add_route(app: Robyn, context: ApiContext, route: Route) -> None:
    """The path's own methods, its preflight, and 405 for all others."""
    allowed = ", ".join([*route.handlers, "OPTIONS"])
    without_key = replace(route, access=Access.OPEN, timeout_s=None)
    for method in _ALL_METHODS:
        if method in route.handlers:
            _add_handler(app, context, method, route.handlers[method], route)
        elif method == "OPTIONS":
            _add_handler(app, context, method, _preflight(context, allowed), without_key)
        else:
            _add_handler(app, context, method, _method_not_allowed(route.path, allowed), without_key)


def _add_handler(app: Robyn, context: ApiContext, method: str, handler: Handler, route: Route) -> None:
    app.add_route(getattr(HttpMethod, method), route.path, endpoint(context, handler, route))


def _preflight(context: ApiContext, allowed: str) -> Handler:
    async def preflight(request: Request, _times: StageTimes) -> HttpAnswer:
        headers = context.cors.preflight_headers(request.headers.get("origin"), allowed)
        return HttpAnswer(204, headers={**headers, "Allow": allowed})

    return preflight


def _method_not_allowed(path: str, allowed: str) -> Handler:
    async def method_not_allowed(_request: Request, _times: StageTimes) -> HttpAnswer:
        raise MethodNotAllowed(f"{path} takes {allowed}.", allowed)

    return method_not_allowed


async def _not_found(_request: Request, _times: StageTimes) -> HttpAnswer:
    raise NotFound
