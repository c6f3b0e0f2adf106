"""Saves frames and eye crops if the settings say so, and deletes them when their time is up."""

from __future__ import annotations

import fnmatch
import logging
import os
import stat
import threading
import time
import uuid
from pathlib import Path

from src.config.settings import PROJECT_ROOT, Settings
from src.core.budget import Budget
from src.core.errors import StartupError
from src.core.types import RgbImage
from src.services.workers import Workers
from src.utils.files import PRIVATE_FOLDER, opened_folder, set_mode, write_new
from src.utils.png_writer import encode_png

_log = logging.getLogger("eyenet.image_store")

# What may wait to be written; beyond it pictures are not saved, because a slow disk must not fill the memory.
MOST_WAITING_BYTES = 256 * 1024 * 1024
_LONGEST_SECONDS_BETWEEN_SWEEPS = 300.0
# Only files that this service wrote are ever deleted: 32 hexadecimal digits, a name that says nothing of its picture.
_OUR_FILES = "[0-9a-f]" * 32 + ".png"


class ImageStore:
    """Writes pictures on a thread of its own, so no request waits for the disk.

    Deletion goes by the files' age on disk, so what an earlier process wrote before it crashed is deleted as well,
    also when saving has been switched off since.
    """

    def __init__(self, settings: Settings, *, idle: bool = False) -> None:
        """Idle, for a process that works on files of its own, it saves nothing, whatever the settings say, and deletes
        nothing that the server saved.

        Raises:
            StartupError: pictures are to be saved and a folder cannot be written to.
        """
        # A link that the operator has put there is followed now; one that somebody puts there later is not.
        frames_dir, eyes_dir = settings.temp_images_dir.resolve(), settings.saved_eyes_dir.resolve()
        self._frames_dir = frames_dir if settings.save_temp_images and not idle else None
        self._eyes_dir = eyes_dir if settings.save_eyes and not idle else None
        self._swept_dirs = () if idle else (frames_dir, eyes_dir)
        self._retention_seconds = settings.image_retention_hours * 3600
        self._writer = Workers(1, "image-store")
        self._waiting_bytes = Budget(MOST_WAITING_BYTES)
        self._closed = threading.Event()
        for name, folder in (("TEMP_IMAGES_DIR", self._frames_dir), ("SAVED_EYES_DIR", self._eyes_dir)):
            if folder is not None:
                _prepare(name, folder)
        self._sweeper = threading.Thread(target=self._sweep_until_closed, name="image-retention", daemon=True)
        self._sweeper.start()

    def save_frame(self, picture: RgbImage) -> None:
        """Saves a whole frame, if SAVE_TEMP_IMAGES says so. Returns at once."""
        self._save(picture, self._frames_dir)

    def save_eye(self, crop: RgbImage) -> None:
        """Saves an eye crop, if SAVE_EYES says so. Returns at once."""
        self._save(crop, self._eyes_dir)

    def problem(self) -> str | None:
        """Which of its threads died, as a sentence for the log; None while all is well. Takes microseconds."""
        if not (self._sweeper.is_alive() or self._closed.is_set()):
            return "the image-retention thread died: saved pictures are kept too long"
        return self._writer.problem()

    def close(self) -> None:
        """Writes what waits to be written, and stops."""
        self._closed.set()
        self._writer.close()

    def sweep(self) -> None:
        """Deletes the pictures whose time is up, by the wall clock: a monotonic one does not survive a restart.

        If that clock was ahead and is set back, pictures seem to come from the future and would stay until it catches
        up. Their time begins anew, so none stays longer than twice its time.
        """
        now = time.time()
        for folder in self._swept_dirs:
            _delete_old_ones(folder, now, self._retention_seconds)

    def _save(self, picture: RgbImage, folder: Path | None) -> None:
        if folder is None:
            return
        if not self._waiting_bytes.take(picture.nbytes):
            _log.warning("a picture was not saved: too many are waiting for the disk already")
            return
        self._writer.executor.submit(self._write, picture, folder)

    def _write(self, picture: RgbImage, folder: Path) -> None:
        try:
            write_new(folder / f"{uuid.uuid4().hex}.png", encode_png(picture))
        except OSError as error:
            _log.error("a picture could not be saved to %s: %s", folder, error.strerror)
        finally:
            self._waiting_bytes.give_back(picture.nbytes)

    def _sweep_until_closed(self) -> None:
        self.sweep()
        while not self._closed.wait(min(_LONGEST_SECONDS_BETWEEN_SWEEPS, self._retention_seconds)):
            self.sweep()


def _prepare(name: str, folder: Path) -> None:
    """Makes the folder, its owner's only, and sees whether it can be written to."""
    probe = folder / f".{uuid.uuid4().hex}"
    try:
        is_new = not folder.exists()
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        write_new(probe, b"")
        probe.unlink()
        if is_new or folder.parent == PROJECT_ROOT:
            set_mode(folder, PRIVATE_FOLDER)
        elif stat.S_IMODE(folder.stat().st_mode) & ~PRIVATE_FOLDER:
            # Perhaps a folder that others need: it is not ours to shut. The pictures in it are.
            _log.warning("%s: others may look into %s and see how many pictures there are: chmod 700", name, folder)
    except OSError as error:
        raise StartupError(f"{name} is wrong: {folder} cannot be written to: {error.strerror}.") from None


def _delete_old_ones(folder: Path, now: float, retention_seconds: float) -> None:
    try:
        with opened_folder(folder) as descriptor:
            names = os.listdir(folder if descriptor is None else descriptor)  # noqa: PTH208  (pathlib knows no descriptors)
            for name in fnmatch.filter(names, _OUR_FILES):
                _delete_if_old(folder / name, descriptor, now, retention_seconds)
    except FileNotFoundError:
        # Nothing was ever saved.
        return
    except OSError as error:
        # The next sweep may find the folder again: a network's, for example.
        _log.error("%s could not be searched for old pictures: %s", folder, error.strerror)


def _delete_if_old(file: Path, folder: int | None, now: float, retention_seconds: float) -> None:
    """Of a link with the name of a picture, the link goes and never what it leads to."""
    name = file if folder is None else Path(file.name)
    try:
        age = now - os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
        if age > retention_seconds:
            os.unlink(name, dir_fd=folder)
        elif age < 0:
            follows = os.utime not in os.supports_follow_symlinks
            os.utime(name, (now, now), dir_fd=folder, follow_symlinks=follows)
    except OSError as error:
        _log.error("a saved picture could not be deleted: %s", error.strerror)
