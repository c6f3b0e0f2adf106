"""POST /predict: frames of a face in, both eyes out."""

from __future__ import annotations

from robyn import Request

from src.api.answers import render_predict
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.envelope import Answer
from src.api.requests import parse_frames
from src.core.types import AnalysisReport


def predict_handler(context: ApiContext) -> Handler:
    def render(report: AnalysisReport) -> Answer:
        return context.envelope(200, render_predict(report, context.services.model))

    async def predict(request: Request) -> Answer:
        body = context.body_of(request)
        with context.lifecycle.work():
            frames, failures = await context.off_the_loop(parse_frames, body, context.settings.max_frames)
            report = await context.services.analysis.analyse_frames(frames, failures)
            return await context.off_the_loop(render, report)

    return predict
