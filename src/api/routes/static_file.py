"""GET of a file in memory: the demo page's, the documentation's."""

from __future__ import annotations

from robyn import Request

from src.api.endpoint import Handler
from src.api.envelope import Answer
from src.api.static_file import StaticFile
from src.core.stage_times import StageTimes


def static_file_handler(file: StaticFile) -> Handler:
    async def static_file(request: Request, _times: StageTimes) -> Answer:
        if file.is_tagged(request.headers.get("if-none-match")):
            return Answer(304, headers={name: text for name, text in file.headers.items() if name != "Content-Type"})
        return Answer(200, file.content, dict(file.headers))

    return static_file
