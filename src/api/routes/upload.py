"""POST /upload: one picture of an eye, or of a face, in; its eyes out."""

from __future__ import annotations

from src.api.answers import render_upload
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.requests import parse_upload
from src.api.screening import screening_handler
from src.core.stage_times import StageTimes
from src.core.types import AnalysisReport, Frame


def upload_handler(context: ApiContext) -> Handler:
    async def analyse(frame: Frame, times: StageTimes) -> AnalysisReport:
        return await context.services.analysis.analyse_upload(frame, times)

    return screening_handler(context, parse_upload, analyse, render_upload)
