"""POST /upload: one picture of an eye, or of a face, in; its eyes out."""

from __future__ import annotations

from robyn import Request

from src.api.answers import HttpAnswer, render_upload
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.requests import parse_upload
from src.core.stage_times import Stage, StageTimes


def upload_handler(context: ApiContext) -> Handler:
    async def upload(request: Request, times: StageTimes) -> HttpAnswer:
        async with context.admission.place(request, times) as body:
            frame = await context.work(times, Stage.PARSE, parse_upload, body.take())
            report = await context.services.analysis.analyse_upload(frame, times)
            return await context.rendered(times, render_upload, report, context.services.model)

    return upload
