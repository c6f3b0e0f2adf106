"""POST /predict: frames of a face in, both eyes out."""

from __future__ import annotations

from robyn import Request

from src.api.answers import HttpAnswer, render_predict
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.requests import parse_frames
from src.core.stage_times import Stage, StageTimes


def predict_handler(context: ApiContext) -> Handler:
    async def predict(request: Request, times: StageTimes) -> HttpAnswer:
        async with context.admission.place(request, times) as body:
            frames, unparsed = await context.work(
                times, Stage.PARSE, parse_frames, body.take(), context.settings.max_frames
            )
            report = await context.services.analysis.analyse_frames(frames, times)
            failures = sorted([*unparsed, *report.failures], key=lambda failure: failure.index)
            if not report.eyes:
                # Not one frame could be read.
                raise failures[0].error.in_frame(failures[0].index)
            return await context.rendered(times, render_predict, report, failures, context.services.model)

    return predict
