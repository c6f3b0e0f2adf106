"""POST /predict: frames of a face in, both eyes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robyn import Request

from src.api.answers import HttpAnswer, render_predict
from src.api.bodies import take_json
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.parameters import told_in_query
from src.api.requests import parse_frames
from src.core.stage_times import Stage, StageTimes

if TYPE_CHECKING:
    from src.services.analysis import EyeAnalysis, Pictures


def predict_handler(context: ApiContext) -> Handler:
    async def predict(request: Request, times: StageTimes) -> HttpAnswer:
        with context.admission.place(request, take_json) as body:
            analysis, max_frames = context.services.analysis, context.settings.max_frames
            told = told_in_query(request, "mirrored", "previews")
            pictures = await context.work(times, Stage.PARSE, _pictures, body.take(), max_frames, analysis)
            async with context.admission.turn(pictures, times) as room:
                report = await analysis.analyse_frames(
                    pictures, room, times, mirrored=told.mirrored, overlays=told.wants_pictures
                )
                if not report.eyes:
                    # Not one frame could be read.
                    first = report.failures[0]
                    raise first.error.in_frame(first.index)
                context.metrics.observe_eyes("/predict", report.eyes.values(), context.settings.classes)
                return await context.rendered(
                    times, render_predict, report, context.services.model, told.preview_format
                )

    return predict


def _pictures(body: str | bytes, max_frames: int, analysis: EyeAnalysis) -> Pictures:
    return analysis.read_headers(*parse_frames(body, max_frames))
