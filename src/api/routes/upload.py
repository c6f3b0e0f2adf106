"""POST /upload: one picture of an eye, or of a face, in; its eyes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robyn import Request

from src.api.answers import HttpAnswer, render_upload
from src.api.bodies import SentForm, SentPicture, take_upload
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.parameters import Told, agreed, told_in_query
from src.api.requests import parse_upload
from src.core.stage_times import Stage, StageTimes

if TYPE_CHECKING:
    from src.services.analysis import EyeAnalysis, Pictures


def upload_handler(context: ApiContext) -> Handler:
    async def upload(request: Request, times: StageTimes) -> HttpAnswer:
        with context.admission.place(request, take_upload) as body:
            analysis, asked = context.services.analysis, told_in_query(request, "mirrored", "eye", "previews")
            picture, told = await context.work(times, Stage.PARSE, _picture, body.take(), asked, analysis)
            async with context.admission.turn(picture, times):
                report = await analysis.analyse_upload(
                    picture, times, eye=told.eye, mirrored=told.mirrored, overlays=told.wants_pictures
                )
                context.metrics.observe_eyes("/upload", report.eyes.values(), context.settings.classes)
                legacy, model = context.settings.legacy_envelope, context.services.model
                return await context.rendered(
                    times, render_upload, report, model, told.preview_format, one_is_left=legacy
                )

    return upload


def _picture(body: str | bytes | SentPicture | SentForm, asked: Told, analysis: EyeAnalysis) -> tuple[Pictures, Told]:
    frame, told = parse_upload(body)
    return analysis.read_headers([frame]), agreed(asked, told)
