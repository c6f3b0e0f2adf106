"""One request of pictures from its body to its answer, within its bounds of time, turns and memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel
from robyn import Request

from src.api.admission import within
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.envelope import Answer
from src.api.requests import take_body
from src.core.stage_times import Stage, StageTimes
from src.core.types import AnalysisReport, ModelInfo

_Parsed = TypeVar("_Parsed")


def screening_handler(
    context: ApiContext,
    parse: Callable[[str | bytes], _Parsed],
    analyse: Callable[[_Parsed, StageTimes], Awaitable[AnalysisReport]],
    render: Callable[[AnalysisReport, ModelInfo], BaseModel],
) -> Handler:
    """
    Args:
        context: shared by all endpoints.
        parse: makes of the body what is analysed; runs on a worker.
        analyse: makes the report.
        render: makes the answer of the report; runs on a worker.
    """

    def parse_in_time(body: str | bytes, times: StageTimes) -> _Parsed:
        with times.measure(Stage.PARSE):
            return parse(body)

    def render_in_time(report: AnalysisReport, times: StageTimes) -> Answer:
        with times.measure(Stage.ENCODE):
            return context.envelope(200, render(report, context.services.model))

    async def work(request: Request, times: StageTimes) -> Answer:
        body = take_body(request, context.settings.max_body_mb)
        with context.lifecycle.work(len(body)):
            async with context.turns.turn(times):
                parsed = await context.off_the_loop(parse_in_time, body, times)
                # What is needed of it has been copied.
                del body
                report = await analyse(parsed, times)
                return await context.off_the_loop(render_in_time, report, times)

    async def screen(request: Request, times: StageTimes) -> Answer:
        return await within(context.settings.request_timeout_s, work(request, times))

    return screen
