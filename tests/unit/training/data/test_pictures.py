"""A picture is known by its file's name, folder and content, and by what people found out about its origin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from src.utils.files import sha256_of
from training.data.pictures import (
    DOUBTFUL_GROUPS,
    UnusablePictures,
    count_trained_on,
    find_pictures,
    is_doubtful,
)
from training.learning.network import CLASSES


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")


def test_a_name_says_origin_group_and_number(tmp_path: Path) -> None:
    put(tmp_path, "A/site_g00012_train__345.jpg", "A/other_stye3.png", "A/note.txt", "B/17.jpg")
    numbered, plain, unnamed = sorted(find_pictures(tmp_path, ["A", "B"]), key=lambda p: -p.number)
    assert (numbered.origin, numbered.group, numbered.number, numbered.label) == ("site", "site/g00012", 345, 0)
    assert (unnamed.origin, unnamed.number) == ("other", 3)
    assert (plain.origin, plain.number, plain.label) == ("unnamed", 17, 1)


def test_both_eyes_of_a_portrait_are_one_group_and_origins_that_may_share_a_patient_count_as_one(
    tmp_path: Path,
) -> None:
    put(tmp_path, "A/site_con2__eyeL.jpg", "A/site_con2__eyeR.jpg")
    left, right = find_pictures(tmp_path, ["A"])
    assert left.group == right.group
    put(tmp_path, "B/bibekbvk_stye1.jpg", "B/wbmarcsu2000_hordeolum.jpg")
    first, second = find_pictures(tmp_path, ["B"])
    assert first.origin == second.origin
    assert first.group != second.group


def test_classes_may_be_missing_only_if_that_is_said_and_never_all_of_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="A or B"):
        find_pictures(tmp_path, ["A", "B"], all_classes=False)
    put(tmp_path, "B/1.jpg")
    with pytest.raises(FileNotFoundError, match="A; each class needs a folder"):
        find_pictures(tmp_path, ["A", "B"])
    assert [picture.label for picture in find_pictures(tmp_path, ["A", "B"], all_classes=False)] == [1]


def test_a_file_that_is_no_picture_is_named_when_it_is_read(tmp_path: Path) -> None:
    put(tmp_path, "A/site_1.jpg")
    (picture,) = find_pictures(tmp_path, ["A"])
    with pytest.raises(UnusablePictures, match=r"site_1\.jpg"):
        picture.read()
    picture.file.unlink()
    with pytest.raises(UnusablePictures, match="cannot be read"):
        picture.read()


def test_whether_a_picture_is_doubtful_is_decided_by_its_class_and_group(tmp_path: Path) -> None:
    doubtful = {
        "Cataract/alokgupta1996_g00396_a_1.jpg",
        "Cataract/alokgupta1996_g00396_another_2.png",
        "Conjunctivitis/mustafa1100_g00030_b_3.jpg",
    }
    others = ("Healthy/alokgupta1996_g00396_a_1.jpg", "Cataract/mustafa1100_g00396_a_1.jpg")
    put(tmp_path, *doubtful, *others, "Cataract/alokgupta1996_g00397_a_1.jpg")
    pictures = find_pictures(tmp_path, CLASSES, all_classes=False)
    assert len(pictures) == 6
    assert {p.file.relative_to(tmp_path).as_posix() for p in pictures if is_doubtful(p)} == doubtful


def test_each_doubtful_group_stands_for_pictures_that_there_are(shared_folder: Path) -> None:
    pictures = find_pictures(shared_folder / "data" / "eyes", CLASSES)
    found = {(picture.file.parent.name, picture.group) for picture in pictures if is_doubtful(picture)}
    assert found == DOUBTFUL_GROUPS


def test_counts_the_pictures_that_the_card_of_this_model_lists(tmp_path: Path) -> None:
    put(tmp_path, *(f"A/{name}.jpg" for name in "123"))
    pictures = find_pictures(tmp_path, ["A"])
    for number, picture in enumerate(pictures):
        picture.file.write_bytes(bytes([number]))
    model = tmp_path / "model.h5"
    model.write_bytes(b"weights")
    assert count_trained_on(pictures, model) is None

    def write_card(**training_data: object) -> None:
        card = {"sha256": sha256_of(model), "training_data": training_data}
        model.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")

    write_card(pictures=3)
    assert count_trained_on(pictures, model) is None
    write_card(picture_hashes=[sha256_of(pictures[1].file)[:12], "0" * 12])
    assert count_trained_on(pictures, model) == {"pictures": 1, "of": 3}
    model.write_bytes(b"other weights")
    assert count_trained_on(pictures, model) is None
