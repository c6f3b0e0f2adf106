"""The pictures of a folder and of the folders in it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from src.cli.screening.report_folder import is_report
from src.utils.picture_header import OPENING_BYTES, begins_like_a_picture

# What calls itself a picture and is none, or of a kind that nobody recognises, is named: passed over in silence it
# would look screened.
_PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".heic", ".heif", ".hif", ".avif", ".gif", ".tif"}
    | {".tiff", ".dng", ".dcm", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".jp2", ".jxl"}
)

# What was deleted, and copies that storage makes: one photo would become six. Synology, QNAP, Windows, macOS, Linux.
_NOT_THE_PERSONS = re.compile(
    r"@eadir|#recycle|#snapshot|@recycle|@recently-snapshot|\$recycle\.bin|recycler|system volume information"
    r"|lost\+found|__macosx",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A file that is, or calls itself, a picture.

    Attributes:
        name: relative to the folder, with `/` on every system; bytes that are no UTF-8 are surrogates (PEP 383).
        size: in bytes.
        modified_ns: time of its last change, in nanoseconds since 1970.
    """

    name: str
    file: Path
    size: int
    modified_ns: int


@dataclass(slots=True)
class PictureSearch:
    """What a folder holds.

    Attributes:
        pictures: in the order of their names.
        passed_over: how many other files there are that are no pictures.
        unseen: name, as those of pictures, of what may be or hold pictures and was not looked into -> why.
        left_out: names of what is hidden, deleted, or a copy that storage makes.
    """

    pictures: list[FoundPicture] = field(default_factory=list)
    passed_over: int = 0
    unseen: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def find_pictures(folder: Path, report: Path) -> PictureSearch:
    """Files that are pictures by how they begin or by their name, whether they can be read or not.

    Only regular files are opened, and only their first bytes are read. Hidden files and folders, bins and thumbnails
    are left out, and so are `report` and earlier ones; a link to a file is followed, one to a folder elsewhere is not.

    Raises:
        OSError: the folder itself cannot be listed.
    """
    search = PictureSearch()
    os.scandir(folder).close()
    for file in _files(folder, report.resolve(), search):
        name = file.relative_to(folder).as_posix()
        calls_itself_picture = file.suffix.lower() in _PICTURE_SUFFIXES
        try:
            found = file.stat()
            if not stat.S_ISREG(found.st_mode):
                # Opening a pipe would wait for whoever writes to it.
                if calls_itself_picture:
                    search.unseen[name] = "no regular file"
                else:
                    search.passed_over += 1
            elif calls_itself_picture or begins_like_a_picture(_opening_of(file)):
                search.pictures.append(FoundPicture(name, file, found.st_size, found.st_mtime_ns))
            else:
                search.passed_over += 1
        except FileNotFoundError:
            # A link that leads nowhere, or a file that has gone meanwhile.
            if calls_itself_picture:
                search.unseen[name] = "it is not there"
            else:
                search.passed_over += 1
        except OSError as error:
            search.unseen[name] = f"cannot be read: {error.strerror}"
    search.pictures.sort(key=lambda picture: picture.name)
    search.unseen = dict(sorted(search.unseen.items()))
    search.left_out.sort()
    return search


def _files(folder: Path, report: Path, search: PictureSearch) -> Iterator[Path]:
    def name_of(path: Path) -> str:
        return path.relative_to(folder).as_posix()

    def note_unreadable(error: OSError) -> None:
        search.unseen[name_of(Path(error.filename))] = f"cannot be read: {error.strerror}"

    inside = folder.resolve()
    for root, folders, files in os.walk(folder, onerror=note_unreadable):
        here = Path(root)
        for name in list(folders):
            place = here / name
            if name.startswith(".") or _NOT_THE_PERSONS.fullmatch(name):
                search.left_out.append(name_of(place))
            elif place.resolve() == report or is_report(place):
                pass
            elif not place.is_symlink():
                continue
            elif not place.resolve().is_relative_to(inside):
                search.unseen[name_of(place)] = "a link to another folder"
            folders.remove(name)
        search.left_out += [name_of(here / name) for name in files if name.startswith(".")]
        yield from (here / name for name in files if not name.startswith("."))


def _opening_of(file: Path) -> bytes:
    with file.open("rb") as content:
        return content.read(OPENING_BYTES)
