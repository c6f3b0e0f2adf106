"""Files as wholes: what identifies their content, how they get to their place in one piece, and who may read them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""The permissions of a file that holds pictures of people."""

PRIVATE_FOLDER: Final = 0o700

# What is missing, Windows does not have.
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_log = logging.getLogger("eyenet.files")

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
        set_mode(unfinished, mode)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def set_mode(path: Path, mode: int) -> None:
    """Gives a file or folder these permissions. Where the file system has none (FAT, some network drives), it warns."""
    if stat.S_IMODE(path.stat().st_mode) == mode:
        return
    try:
        path.chmod(mode)
    except OSError as error:
        _warn_of_folder(path if path.is_dir() else path.parent, error.strerror)


@functools.cache
def _warn_of_folder(folder: Path, problem: str) -> None:
    """Once, and not for every file in it."""
    _log.warning("who may read %s cannot be set (%s): see that only those can who should", folder, problem)


@contextmanager
def opened_folder(folder: Path) -> Iterator[int | None]:
    """The folder itself, for functions with `dir_fd`: nobody can put a link in its place meanwhile. None on Windows.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    if os.open not in os.supports_dir_fd:
        yield None
        return
    descriptor = os.open(folder, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_new(file: Path, content: bytes) -> None:
    """Writes a file that must not be there yet and is its owner's only, through no link.

    Raises:
        OSError: it cannot be written; nothing of it is left behind.
    """
    with opened_folder(file.parent) as folder:
        name = file if folder is None else Path(file.name)
        handle = os.open(name, _NEW_FILE, PRIVATE, dir_fd=folder)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
        except OSError:
            # Half a file is of no use, and the disk may be full.
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
