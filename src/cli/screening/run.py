"""Pictures go through the service, several at once, and each answer is kept before the next is asked for."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from types import FrameType
from typing import TYPE_CHECKING

from src.cli.screening.picture_search import FoundPicture
from src.cli.screening.record import Conditions, PictureRecord, record_of_eye
from src.cli.screening.report_folder import ReportFolder
from src.cli.screening.results_file import ResultsFile
from src.core.types import EyeSide
from src.services.picture_file import FileAnswer, answer_file

if TYPE_CHECKING:
    # With it comes TensorFlow, which takes seconds.
    from src.services.startup import Services

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FIRST_EXIT_CODE = 128


class Screening:
    """One run over pictures that have no answer yet."""

    def __init__(
        self,
        services: Services,
        report: ReportFolder,
        results: ResultsFile,
        conditions: Conditions,
        *,
        largest_bytes: int,
    ) -> None:
        """
        Args:
            services: the service.
            report: where previews go.
            results: where the lines go.
            conditions: what each line says of how it came about.
            largest_bytes: of a file; a larger one is refused.
        """
        self._services = services
        self._report = report
        self._results = results
        self._conditions = conditions
        self._largest_bytes = largest_bytes
        self._stopped = False

    def stop(self) -> None:
        """No more pictures are begun. Safe to call from a signal handler."""
        self._stopped = True

    async def run(self, pictures: Sequence[FoundPicture], on_picture: Callable[[], None]) -> None:
        """Returns once all are done, or after a `stop` those that were begun.

        Raises:
            OSError: a result cannot be written.
        """
        waiting = iter(pictures)

        async def take_turns() -> None:
            for picture in waiting:
                if self._stopped:
                    return
                await self._screen(picture)
                on_picture()

        await asyncio.gather(*(take_turns() for _ in range(self._services.requests_at_once)))

    async def _screen(self, picture: FoundPicture) -> None:
        answer = await answer_file(self._services.analysis, picture.file, self._largest_bytes)
        self._results.append(await self._services.workers.run(self._record, picture, answer))

    def _record(self, picture: FoundPicture, answer: FileAnswer) -> PictureRecord:
        reports = {} if answer.report is None else answer.report.eyes
        return PictureRecord(
            file=picture.name,
            size=picture.size,
            modified_ns=picture.modified_ns,
            sha256=answer.sha256,
            screened_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            conditions=self._conditions,
            eyes=[
                record_of_eye(
                    reports[side],
                    self._services.model.classes,
                    *self._report.write_previews(picture.name, reports[side]),
                )
                for side in EyeSide
                if side in reports
            ],
            refusal=answer.refusal,
        )


class StopRequest:
    """Whether somebody has asked the screening to stop.

    Attributes:
        exit_code: what shells expect of a process that a signal ended; None while there was none.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None


@contextmanager
def stop_on_signal(stop: Callable[[], None]) -> Iterator[StopRequest]:
    """Calls `stop` on the first signal; the second one interrupts whatever is going on.

    Args:
        stop: called on the main thread, between any two of its steps.
    """
    request = StopRequest()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if request.exit_code is not None:
            raise KeyboardInterrupt
        request.exit_code = _FIRST_EXIT_CODE + number
        stop()

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
