"""The pictures of a folder and of the folders in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from src.cli.screening.report_folder import is_report

_PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp"})
# Not read, and said so: a photo that is passed over in silence would look screened.
_OTHER_PICTURE_SUFFIXES = frozenset({".heic", ".heif", ".avif", ".gif", ".tif", ".tiff", ".dng", ".dcm"})
_LONGEST_SIGNATURE = 16


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
        passed_over: how many other files there are; hidden ones are not counted.
        unseen: names, as those of pictures, of folders and of what calls itself a picture that cannot be read.
    """

    pictures: list[FoundPicture] = field(default_factory=list)
    passed_over: int = 0
    unseen: list[str] = field(default_factory=list)


def find_pictures(folder: Path, report: Path) -> PictureSearch:
    """Files that are pictures by their name or, whatever their name, by how they begin.

    Hidden files and folders are left out, and so are `report` and earlier ones; links to folders are not followed.

    Raises:
        OSError: the folder itself cannot be listed.
    """
    search = PictureSearch()
    os.scandir(folder).close()

    def note_folder(error: OSError) -> None:
        search.unseen.append(Path(error.filename).relative_to(folder).as_posix())

    for file in _files(folder, report.resolve(), note_folder):
        try:
            is_picture = file.is_file() and _is_picture(file)
            found = file.stat()
        except OSError:
            # A link that leads nowhere, a file that has gone meanwhile, a folder that lets nobody in.
            if file.suffix.lower() in _PICTURE_SUFFIXES | _OTHER_PICTURE_SUFFIXES:
                search.unseen.append(file.relative_to(folder).as_posix())
            else:
                search.passed_over += 1
            continue
        if is_picture:
            name = file.relative_to(folder).as_posix()
            search.pictures.append(FoundPicture(name, file, found.st_size, found.st_mtime_ns))
        else:
            search.passed_over += 1
    search.pictures.sort(key=lambda picture: picture.name)
    search.unseen.sort()
    return search


def _files(folder: Path, report: Path, on_unreadable: Callable[[OSError], None]) -> Iterator[Path]:
    for root, folders, files in os.walk(folder, onerror=on_unreadable):
        here = Path(root)
        folders[:] = sorted(name for name in folders if not _is_left_out(here / name, report))
        yield from (here / name for name in files if not name.startswith("."))


def _is_left_out(folder: Path, report: Path) -> bool:
    return folder.name.startswith(".") or folder.resolve() == report or is_report(folder)


def _is_picture(file: Path) -> bool:
    if file.suffix.lower() in _PICTURE_SUFFIXES | _OTHER_PICTURE_SUFFIXES:
        return True
    try:
        with file.open("rb") as content:
            return _begins_like_a_picture(content.read(_LONGEST_SIGNATURE))
    except PermissionError:
        return False


def _begins_like_a_picture(opening: bytes) -> bool:
    is_webp = opening.startswith(b"RIFF") and opening[8:12] == b"WEBP"
    # Two letters alone would take any text that begins with them for a BMP: its reserved bytes are zero.
    is_bmp = opening.startswith(b"BM") and opening[6:10] == bytes(4)
    return is_webp or is_bmp or opening.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"))
