"""POST /upload: one picture of an eye, or of a face, in; its eyes out."""

from __future__ import annotations

from robyn import Request

from src.api.answers import render_upload
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.envelope import Answer
from src.api.requests import parse_upload
from src.core.types import AnalysisReport


def upload_handler(context: ApiContext) -> Handler:
    def render(report: AnalysisReport) -> Answer:
        return context.envelope(200, render_upload(report, context.services.model))

    async def upload(request: Request) -> Answer:
        body = context.body_of(request)
        with context.lifecycle.work():
            frame = await context.off_the_loop(parse_upload, body)
            report = await context.services.analysis.analyse_upload(frame)
            return await context.off_the_loop(render, report)

    return upload
