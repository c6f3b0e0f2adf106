"""POST /predict: frames of a face in, both eyes out."""

from __future__ import annotations

from robyn import Request

from src.api.answers import render_predict
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.envelope import Answer
from src.api.requests import parse_frames
from src.core.stage_times import Stage, StageTimes
from src.core.types import AnalysisReport, Frame, FrameFailure


def predict_handler(context: ApiContext) -> Handler:
    def parse(body: str | bytes, times: StageTimes) -> tuple[list[Frame], list[FrameFailure]]:
        with times.measure(Stage.PARSE):
            return parse_frames(body, context.settings.max_frames)

    def render(report: AnalysisReport, times: StageTimes) -> Answer:
        with times.measure(Stage.ENCODE):
            return context.envelope(200, render_predict(report, context.services.model))

    async def predict(request: Request, times: StageTimes) -> Answer:
        body = context.body_of(request)
        with context.lifecycle.work():
            async with context.turns.turn(times):
                frames, failures = await context.off_the_loop(parse, body, times)
                report = await context.services.analysis.analyse_frames(frames, failures, times)
                return await context.off_the_loop(render, report, times)

    return predict
