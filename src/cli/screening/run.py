"""Pictures go through the service, several at once, and each answer is kept before the next is asked for."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from src.cli.screening.named_side import side_in_name
from src.cli.screening.picture_search import FoundPicture
from src.cli.screening.record import Conditions, PictureRecord, record_of_eye
from src.cli.screening.report_folder import ReportFolder
from src.cli.screening.results_file import ResultsFile
from src.config.process import exit_at_once
from src.core.types import EyeSide
from src.services.picture_file import FileAnswer, answer_file

if TYPE_CHECKING:
    # With it comes TensorFlow, which takes seconds.
    from src.services.startup import Services

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FIRST_EXIT_CODE = 128


def stop_at_once(exit_code: int) -> NoReturn:
    """Ends the process without a report. What was written stays: the results file is whole after every line."""
    print("\nstopped at once, without a report; the same command goes on.", file=sys.stderr)
    exit_at_once(exit_code)


@dataclass(slots=True)
class Screening:
    """One run over pictures that have no answer yet.

    Attributes:
        conditions: what each line says of how it came about.
        largest_bytes: of a file; a larger one is refused.
        exit_code: what shells expect of a process that a signal ended; None while there was none.
    """

    services: Services
    report: ReportFolder
    results: ResultsFile
    conditions: Conditions
    largest_bytes: int
    exit_code: int | None = None

    async def run(self, pictures: Sequence[FoundPicture], on_picture: Callable[[], None]) -> None:
        """Returns once all are done, or after a signal to stop those that were begun.

        Raises:
            OSError: a result cannot be written.
        """
        waiting = iter(pictures)

        async def take_turns() -> None:
            for picture in waiting:
                if self.exit_code is not None:
                    return
                await self._screen(picture)
                on_picture()

        await asyncio.gather(*(take_turns() for _ in range(self.services.requests_at_once)))

    async def _screen(self, picture: FoundPicture) -> None:
        said = side_in_name(picture.name)
        answer = await answer_file(self.services.analysis, picture.file, self.largest_bytes, eye=said)
        self.results.append(await self.services.workers.run(self._record, picture, answer))

    def _record(self, picture: FoundPicture, answer: FileAnswer) -> PictureRecord:
        reports = {} if answer.report is None else answer.report.eyes
        return PictureRecord(
            file=picture.name,
            size=picture.size,
            modified_ns=picture.modified_ns,
            sha256=answer.sha256,
            screened_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            conditions=self.conditions,
            faces_seen=None if answer.report is None else answer.report.faces_seen,
            eyes=[
                record_of_eye(
                    reports[side],
                    self.services.model.classes,
                    *self.report.write_previews(picture.name, reports[side]),
                )
                for side in EyeSide
                if side in reports
            ],
            refusal=answer.refusal,
        )

    @contextmanager
    def stops_on_signal(self) -> Iterator[None]:
        """After the first signal no more pictures are begun; the second one ends the process, whatever is going on."""

        def on_signal(number: int, _frame: FrameType | None) -> None:
            if self.exit_code is not None:
                # Not by an exception: on its way out, Python waits for threads, and one may wait for a file for ever.
                stop_at_once(_FIRST_EXIT_CODE + number)
            self.exit_code = _FIRST_EXIT_CODE + number

        before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
