"""Pictures are found by name or by content; nothing that is one is passed over in silence."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.cli.screening.picture_search import find_pictures
from src.cli.screening.report_folder import ReportFolder

GREY = np.full((40, 40, 3), 128, np.uint8)


def write(file: Path, content: bytes = b"x") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def names(folder: Path, report: Path | None = None) -> list[str]:
    return [picture.name for picture in find_pictures(folder, report or folder / "report").pictures]


def test_pictures_of_all_folders_come_in_the_order_of_their_names_but_hidden_ones_and_those_behind_links(
    tmp_path: Path,
) -> None:
    for name in ("b.PNG", "a.jpg", "c/d.webp", "c/e/f.bmp", "c/e/g.JPEG", "._photo.jpg", ".thumbnails/photo.jpg"):
        write(tmp_path / name)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["a.jpg", "b.PNG", "c/d.webp", "c/e/f.bmp", "c/e/g.JPEG"]
    search = find_pictures(tmp_path, tmp_path / "report")
    assert (search.passed_over, search.unseen) == (0, {})
    assert search.left_out == ["._photo.jpg", ".thumbnails"]


@pytest.mark.parametrize(
    "opening",
    [
        *[b"GIF89a", b"II*\0", b"MM\0*", b"II*\0\x10\0\0\0CR", b"IIRO", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb", b"8BPS"],
        *[b"\0\0\0\x18ftyp" + brand for brand in (b"heic", b"heix", b"mif1", b"avif", b"crx ")],
        *[b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x0a", b"\0\0\0\x0cjP  \r\n\x87\n", bytes(128) + b"DICM"],
    ],
)
def test_a_picture_of_a_kind_that_is_not_read_is_found_under_any_name_so_that_it_is_listed(
    tmp_path: Path, opening: bytes
) -> None:
    for name in ("IMG_0001", "photo.dat", "scan.txt"):
        write(tmp_path / name, opening + bytes(200))
    assert names(tmp_path) == ["IMG_0001", "photo.dat", "scan.txt"]


def test_one_that_only_calls_itself_a_picture_is_found_so_that_it_is_listed(tmp_path: Path) -> None:
    for name in ("a.CR2", "b.hif", "c.Nef", "d.jpg", "e.dcm", "f.tiff"):
        write(tmp_path / name, b"words")
    assert names(tmp_path) == ["a.CR2", "b.hif", "c.Nef", "d.jpg", "e.dcm", "f.tiff"]


def test_one_photo_on_a_storage_stays_one_photo_and_the_others_are_named(tmp_path: Path) -> None:
    bins = ["#recycle", "#snapshot", "$RECYCLE.BIN", ".Trash-1000", ".Trashes", ".thumbnails", "@eaDir"]
    bins += ["System Volume Information", "sub/@eaDir", "sub/.@__thumb"]
    for folder in bins:
        write(tmp_path / folder / "photo.jpg" / "SYNOPHOTO_THUMB_XL.jpg")
    for name in ("photo.jpg", "sub/photo.jpg", "sub/._photo.jpg"):
        write(tmp_path / name)
    search = find_pictures(tmp_path, tmp_path / "report")
    assert [picture.name for picture in search.pictures] == ["photo.jpg", "sub/photo.jpg"]
    assert search.left_out == sorted([*bins, "sub/._photo.jpg"])
    assert (search.passed_over, search.unseen) == (0, {})


def test_a_folder_behind_a_link_is_named_unless_it_is_in_the_folder_itself(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "photo.jpg")
    write(tmp_path / "photos" / "here" / "photo.jpg")
    (tmp_path / "photos" / "other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "same").symlink_to(tmp_path / "photos" / "here")
    (tmp_path / "photos" / "linked.jpg").symlink_to(tmp_path / "elsewhere" / "photo.jpg")
    search = find_pictures(tmp_path / "photos", tmp_path / "report")
    assert [picture.name for picture in search.pictures] == ["here/photo.jpg", "linked.jpg"]
    assert search.unseen == {"other": "a link to another folder"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
@pytest.mark.timeout(30)
def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """Whoever opens a pipe without a writer waits for ever."""
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.png"))
        search = find_pictures(tmp_path, tmp_path / "report")
    assert search.unseen == {"pipe.jpg": "no regular file", "socket.png": "no regular file"}
    assert (search.pictures, search.passed_over) == ([], 1)


def test_size_and_time_are_those_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jpg", b"four")
    os.utime(file, ns=(1, 1_700_000_000_123_456_789))
    (picture,) = find_pictures(tmp_path, tmp_path / "report").pictures
    assert (picture.file, picture.size, picture.modified_ns) == (file, 4, file.stat().st_mtime_ns)


def test_one_without_a_telling_name_is_found_by_how_it_begins_and_one_that_is_not_read_so_that_it_is_listed(
    tmp_path: Path,
) -> None:
    for suffix in (".png", ".jpg", ".webp", ".bmp"):
        write(tmp_path / f"IMG_{suffix[1:]}", cv2.imencode(suffix, GREY)[1].tobytes())
    for name in ("a.heic", "a.gif", "a.TIF", "a.dcm"):
        write(tmp_path / name)
    assert names(tmp_path) == ["IMG_bmp", "IMG_jpg", "IMG_png", "IMG_webp", "a.TIF", "a.dcm", "a.gif", "a.heic"]


def test_other_files_are_counted(tmp_path: Path) -> None:
    for name, content in {"notes.txt": b"BMW drivers", "table.csv": b"a,b", "sound.wav": b"RIFF....WAVE"}.items():
        write(tmp_path / name, content)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    search = find_pictures(tmp_path, tmp_path / "report")
    assert (search.pictures, search.passed_over, search.unseen) == ([], 4, {})


def test_what_may_be_a_photo_and_cannot_be_looked_into_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passed over in silence it would look screened."""
    write(tmp_path / "closed" / "photo.jpg")
    write(tmp_path / "open" / "photo.jpg")
    (tmp_path / "open" / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    list_folder = os.scandir

    def list_unless_closed(folder: str) -> Any:
        if Path(folder).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return list_folder(folder)

    monkeypatch.setattr(os, "scandir", list_unless_closed)
    search = find_pictures(tmp_path, tmp_path / "report")
    assert [picture.name for picture in search.pictures] == ["open/photo.jpg"]
    assert search.unseen == {
        "closed": "cannot be read: Permission denied",
        "open/nowhere.jpg": "it is not there",
    }
    with pytest.raises(FileNotFoundError):
        find_pictures(tmp_path / "gone", tmp_path / "report")


def test_a_report_in_the_folder_is_not_screened_nor_is_an_earlier_one(tmp_path: Path) -> None:
    for name in ("report", "earlier"):
        ReportFolder(tmp_path / name).prepare()
        write(tmp_path / name / "previews" / "0123456789abcdef-left_eye.jpg")
    write(tmp_path / "photo.jpg")
    assert names(tmp_path, tmp_path / "report") == ["photo.jpg"]
