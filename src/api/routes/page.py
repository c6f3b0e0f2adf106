"""GET / and the files below /assets/web/: the demo page."""

from __future__ import annotations

from robyn import Request

from src.api.endpoint import Handler
from src.api.envelope import Answer
from src.api.page_files import PageFile
from src.core.stage_times import StageTimes


def page_handler(file: PageFile) -> Handler:
    async def page(request: Request, _times: StageTimes) -> Answer:
        if file.is_tagged(request.headers.get("if-none-match")):
            return Answer(304, headers={name: text for name, text in file.headers.items() if name != "Content-Type"})
        return Answer(200, file.content, dict(file.headers))

    return page
