"""File names say origin, duplicate group and number."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.data.pictures import UnusablePictures, find_pictures


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")


def test_reads_the_names(tmp_path: Path) -> None:
    put(tmp_path, "A/site_g00012_train__345.jpg", "A/other_stye3.png", "A/note.txt", "B/17.jpg")
    numbered, plain, unnamed = sorted(find_pictures(tmp_path, ["A", "B"]), key=lambda p: -p.number)
    assert (numbered.origin, numbered.group, numbered.number, numbered.label) == ("site", "site/g00012", 345, 0)
    assert (unnamed.origin, unnamed.number) == ("other", 3)
    assert (plain.origin, plain.number, plain.label) == ("unnamed", 17, 1)


def test_both_eyes_of_a_portrait_are_one_group(tmp_path: Path) -> None:
    put(tmp_path, "A/site_con2__eyeL.jpg", "A/site_con2__eyeR.jpg")
    left, right = find_pictures(tmp_path, ["A"])
    assert left.group == right.group


def test_origins_that_may_share_a_patient_count_as_one(tmp_path: Path) -> None:
    put(tmp_path, "A/bibekbvk_stye1.jpg", "A/wbmarcsu2000_hordeolum.jpg")
    first, second = find_pictures(tmp_path, ["A"])
    assert first.origin == second.origin
    assert first.group != second.group


def test_a_class_without_pictures_is_named(tmp_path: Path) -> None:
    put(tmp_path, "A/1.jpg")
    with pytest.raises(FileNotFoundError, match="B"):
        find_pictures(tmp_path, ["A", "B"])


def test_some_classes_may_be_missing_if_that_is_said(tmp_path: Path) -> None:
    put(tmp_path, "B/1.jpg")
    assert [picture.label for picture in find_pictures(tmp_path, ["A", "B"], all_classes=False)] == [1]


def test_all_classes_may_not_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="A or B"):
        find_pictures(tmp_path, ["A", "B"], all_classes=False)


def test_a_file_that_is_no_picture_is_named_when_it_is_read(tmp_path: Path) -> None:
    put(tmp_path, "A/site_1.jpg")
    (picture,) = find_pictures(tmp_path, ["A"])
    with pytest.raises(UnusablePictures, match=r"site_1\.jpg"):
        picture.read()
    picture.file.unlink()
    with pytest.raises(UnusablePictures, match="cannot be read"):
        picture.read()
