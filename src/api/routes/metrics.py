"""GET /metrics: what Prometheus collects."""

from __future__ import annotations

import asyncio

from robyn import Request

from src.api.answers import HttpAnswer
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.metrics import CONTENT_TYPE
from src.core.stage_times import StageTimes


def metrics_handler(context: ApiContext) -> Handler:
    async def metrics(_request: Request, _times: StageTimes) -> HttpAnswer:
        # Milliseconds of text, so not on the loop; and not on the workers either, where it would wait behind pictures
        # just when somebody wants to know why they wait.
        page = await asyncio.to_thread(context.metrics.page)
        return HttpAnswer(200, page, {"Content-Type": CONTENT_TYPE})

    return metrics
