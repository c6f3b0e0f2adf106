"""POST /predict: frames of a face in, both eyes out."""

from __future__ import annotations

from src.api.answers import render_predict
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.requests import parse_frames
from src.api.screening import screening_handler
from src.core.stage_times import StageTimes
from src.core.types import AnalysisReport, Frame, FrameFailure


def predict_handler(context: ApiContext) -> Handler:
    def parse(body: str | bytes) -> tuple[list[Frame], list[FrameFailure]]:
        return parse_frames(body, context.settings.max_frames)

    async def analyse(parsed: tuple[list[Frame], list[FrameFailure]], times: StageTimes) -> AnalysisReport:
        frames, failures = parsed
        return await context.services.analysis.analyse_frames(frames, failures, times)

    return screening_handler(context, parse, analyse, render_predict)
