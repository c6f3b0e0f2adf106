"""POST /upload: one picture of an eye, or of a face, in; its eyes out."""

from __future__ import annotations

from robyn import Request

from src.api.answers import render_upload
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.envelope import Answer
from src.api.requests import parse_upload
from src.core.stage_times import Stage, StageTimes
from src.core.types import AnalysisReport, Frame


def upload_handler(context: ApiContext) -> Handler:
    def parse(body: str | bytes, times: StageTimes) -> Frame:
        with times.measure(Stage.PARSE):
            return parse_upload(body)

    def render(report: AnalysisReport, times: StageTimes) -> Answer:
        with times.measure(Stage.ENCODE):
            return context.envelope(200, render_upload(report, context.services.model))

    async def upload(request: Request, times: StageTimes) -> Answer:
        body = context.body_of(request)
        with context.lifecycle.work():
            async with context.turns.turn(times):
                frame = await context.off_the_loop(parse, body, times)
                report = await context.services.analysis.analyse_upload(frame, times)
                return await context.off_the_loop(render, report, times)

    return upload
