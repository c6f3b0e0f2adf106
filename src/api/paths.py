"""Every path of this instance, what answers there, and who may ask."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from src.api.access import Access
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.envelope import Envelope, plain_envelope
from src.api.routes.health import health_handler, live_handler
from src.api.routes.metrics import metrics_handler
from src.api.routes.predict import predict_handler
from src.api.routes.upload import upload_handler
from src.api.static_files import DOCUMENT_PATHS, INDEX, StaticFile, document_files, read_page_files, static_file_handler
from src.config.settings import ASSETS_DIR, Settings

_PAGE_PATH = "/"
_PAGE_PREFIX = "/assets/web"


@dataclass(frozen=True, slots=True)
class Path:
    """One path of ours.

    Attributes:
        handlers: by method; the preflight and 405 for all other methods come by themselves, and need no key.
        access: what its handlers ask of who comes.
        envelope: shape of its errors.
        log_level: of the line that tells of each request.
        route: under which its requests are counted.
    """

    handlers: Mapping[str, Handler]
    access: Access
    envelope: Envelope
    log_level: int
    route: str


def paths_of(context: ApiContext) -> dict[str, Path]:
    """What there is: a path that is not here is answered 404, key or no key.

    Raises:
        StartupError: the demo page's files are missing.
    """
    settings = context.settings

    def screening(path: str, handler: Handler) -> Path:
        return Path({"POST": handler}, Access.GUARDED, context.envelope, logging.INFO, path)

    # The first two are what the first frontend calls; all others always speak plain HTTP.
    paths = {
        "/predict": screening("/predict", predict_handler(context)),
        "/upload": screening("/upload", upload_handler(context)),
        "/health": _readable("/health", health_handler(context), Access.OPEN),
        "/live": _readable("/live", live_handler(), Access.OPEN),
    }
    if settings.metrics:
        access = Access.open_if(settings.public_metrics)
        paths["/metrics"] = _readable("/metrics", metrics_handler(context), access)
    page = _page_paths() if settings.demo_page else {}
    documented = {**paths, **{path: page[path] for path in page if path == _PAGE_PATH}}
    return {**paths, **page, **_document_paths(settings, documented)}


def _readable(route: str, handler: Handler, access: Access) -> Path:
    # Asked every few seconds by every probe, or once per file by every page.
    return Path({"GET": handler, "HEAD": handler}, access, plain_envelope, logging.DEBUG, route)


def _file(route: str, file: StaticFile, access: Access) -> Path:
    return _readable(route, static_file_handler(file), access)


def _page_paths() -> dict[str, Path]:
    """One path per file, so that no other can be asked for."""
    files = read_page_files(ASSETS_DIR / "web")
    others = {f"{_PAGE_PREFIX}/{name}": file for name, file in files.items() if name != INDEX}
    return {
        _PAGE_PATH: _file(_PAGE_PATH, files[INDEX], Access.OPEN),
        **{path: _file(_PAGE_PREFIX, file, Access.OPEN) for path, file in others.items()},
    }


def _document_paths(settings: Settings, documented: Mapping[str, Path]) -> dict[str, Path]:
    access = Access.open_if(settings.public_docs)
    guarded = {path for path, there in documented.items() if there.access is Access.GUARDED}
    if access is Access.GUARDED:
        guarded.update(DOCUMENT_PATHS)
    files = document_files(settings, documented, guarded if settings.api_keys else ())
    return {path: _file(path, file, access) for path, file in files.items()}
