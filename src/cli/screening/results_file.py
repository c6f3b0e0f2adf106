"""The results, a JSON line per picture: only ever added to, so that a screening can end at any moment and go on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from src.cli.screening.picture_search import FoundPicture
from src.cli.screening.record import Conditions, PictureRecord
from src.core.errors import StartupError

try:
    import fcntl
except ImportError:  # Windows has no such locks; there, nobody keeps two screenings apart.
    fcntl = None  # type: ignore[assignment]


class ResultsFile:
    """Open for one screening.

    Attributes:
        records: file name -> its last line.
        repaired: whether a half-written last line was cut off.
        damaged: how many whole lines are damaged or of another version, and passed over.
    """

    def __init__(self, file: Path, descriptor: int) -> None:
        self._descriptor = descriptor
        content = file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        self.repaired = len(whole) < len(content)
        if self.repaired:
            os.ftruncate(descriptor, len(whole))
        self.records: dict[str, PictureRecord] = {}
        self.damaged = 0
        for line in whole.splitlines():
            record = PictureRecord.from_line(line)
            if record is None:
                self.damaged += 1
            else:
                self.records[record.file] = record

    def about(self, pictures: Iterable[FoundPicture], conditions: Conditions) -> list[PictureRecord]:
        """The records of these pictures as they are now, in their order; only those under these conditions."""
        known = ((self.records.get(picture.name), picture) for picture in pictures)
        return [record for record, picture in known if record is not None and record.is_about(picture, conditions)]

    def without_answer(
        self,
        pictures: Iterable[FoundPicture],
        conditions: Conditions,
        is_whole: Callable[[PictureRecord], bool] = lambda _record: True,
    ) -> list[FoundPicture]:
        """The pictures of which screening them would say something new; `is_whole`: whether its previews are there."""
        pictures = list(pictures)
        known = self.about(pictures, conditions)
        answered = {record.file for record in known if not record.may_pass and is_whole(record)}
        return [picture for picture in pictures if picture.name not in answered]

    def append(self, record: PictureRecord) -> None:
        """Adds its line. After this, a process that is killed loses nothing of it.

        Raises:
            OSError: it cannot be written; a part of the line that was written is cut off again.
        """
        line = record.to_line()
        end = os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, line)
            if written < len(line):
                # The next try of a full disk says why; a regular file is not written short for another reason.
                os.write(self._descriptor, line[written:])
        except OSError:
            os.ftruncate(self._descriptor, end)
            raise
        self.records[record.file] = record


@contextlib.contextmanager
def open_results(file: Path) -> Iterator[ResultsFile]:
    """Reads the file, mends its end, and keeps it for this process.

    Raises:
        StartupError: another screening writes to it, or it cannot be read or written.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise StartupError(f"{file} cannot be opened: {error.strerror}.") from None
    try:
        _lock(file, descriptor)
        yield ResultsFile(file, descriptor)
    finally:
        # Against a loss of power, which a killed process does not need.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
        os.close(descriptor)


def _lock(file: Path, descriptor: int) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartupError(f"{file.parent} is being written to by another screening.") from None
    except OSError:
        # Some network drives have no locks.
        return
