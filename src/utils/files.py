"""Files as wholes: what identifies their content, and how they get to their place in one piece."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished-"
"""How the names of files begin that were left behind half-written by a process that was killed."""


def sha256_of(file: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_then_rename(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Writes the whole file or nothing of it: who reads it meanwhile, or after a crash, never finds a half.

    Its folder has to be there; its permissions will be `mode`, whatever the umask says.

    Raises:
        OSError: it cannot be written; what stood there still does.
    """
    with renamed_when_whole(file, mode) as unfinished:
        unfinished.write_bytes(content)


@contextmanager
def renamed_when_whole(file: Path, mode: int = 0o644) -> Iterator[Path]:
    """For writers who take a path: an empty file beside `file`, which takes its place if the block ends well.

    It has the same suffix, is only its owner's until then, and is deleted if the block raises.

    Raises:
        OSError: it cannot be written there; what stood there still does.
    """
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=UNFINISHED, suffix=file.suffix)
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.chmod(mode)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
