"""Picture files go through the service as an upload does, without HTTP."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import EyeNetError
from src.core.types import AnalysisReport, EyeSide, Frame

if TYPE_CHECKING:
    # With it comes TensorFlow, which takes seconds.
    from src.services.analysis import EyeAnalysis

UNREADABLE_FILE = "unreadable_file"
_FILE_TOO_LARGE = "file_too_large"
_BYTES_PER_MEGABYTE = 1024 * 1024

_log = logging.getLogger("eyenet.picture_file")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file has no answer: a stable code, that of the API where it has one, and a sentence for a person."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What became of a file: a report or a refusal, never both.

    Attributes:
        sha256: of the file, hexadecimal; None where it could not be read.
    """

    sha256: str | None
    report: AnalysisReport | None = None
    refusal: Refusal | None = None


class _TooLarge(Exception):
    """Has the file's size in bytes."""


async def answer_file(
    analysis: EyeAnalysis, file: Path, largest_bytes: float = math.inf, *, eye: EyeSide | None = None
) -> FileAnswer:
    """Sends a picture through `EyeAnalysis.analyse_upload`, as POST /upload does, if it is no larger than that.

    Nothing about the file is fatal. `eye`: which one it is, where only one is seen.
    """
    try:
        data = await asyncio.to_thread(_read, file, largest_bytes)
    except _TooLarge as error:
        megabytes, allowed = (-(-count // _BYTES_PER_MEGABYTE) for count in (error.args[0], largest_bytes))
        sentence = f"the file has {megabytes:.0f} MiB, more than the {allowed:.0f} allowed (MAX_BODY_MB)"
        return FileAnswer(None, refusal=Refusal(_FILE_TOO_LARGE, sentence))
    except OSError as error:
        return FileAnswer(None, refusal=Refusal(UNREADABLE_FILE, f"the file cannot be read: {error.strerror}"))
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        pictures = await asyncio.to_thread(analysis.read_headers, [Frame(0, data)])
        return FileAnswer(sha256, report=await analysis.analyse_upload(pictures, eye=eye))
    except EyeNetError as error:
        return FileAnswer(sha256, refusal=Refusal(error.code, str(error)))
    except Exception as error:
        # Whatever a picture broke, the pictures after it are to be answered.
        _log.exception("the service failed on a picture")
        return FileAnswer(
            sha256, refusal=Refusal(EyeNetError.code, f"the service failed on it ({type(error).__name__})")
        )


def _read(file: Path, largest_bytes: float) -> bytes:
    # Opened so that a pipe, which may have taken the file's place, is not waited for.
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        if found.st_size > largest_bytes:
            raise _TooLarge(found.st_size)
        return opened.read()
