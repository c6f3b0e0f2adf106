"""A picture is doubtful by its class and group together."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.data.doubtful_labels import DOUBTFUL_GROUPS, is_doubtful
from training.data.pictures import find_pictures
from training.learning.network import CLASSES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cataract/alokgupta1996_g00396_a_1.jpg", True),
        ("Cataract/alokgupta1996_g00396_another_2.png", True),
        ("Conjunctivitis/mustafa1100_g00030_b_3.jpg", True),
        ("Healthy/alokgupta1996_g00396_a_1.jpg", False),
        ("Cataract/mustafa1100_g00396_a_1.jpg", False),
        ("Cataract/alokgupta1996_g00397_a_1.jpg", False),
    ],
)
def test_its_own_class_and_group_decide(tmp_path: Path, name: str, expected: bool) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"")
    (picture,) = find_pictures(tmp_path, CLASSES, all_classes=False)
    assert is_doubtful(picture) is expected


def test_each_entry_is_of_a_known_class() -> None:
    assert {name for name, _ in DOUBTFUL_GROUPS} <= set(CLASSES)


def test_each_entry_stands_for_pictures_that_there_are(shared_folder: Path) -> None:
    pictures = find_pictures(shared_folder / "data" / "eyes", CLASSES)
    found = {(picture.file.parent.name, picture.group) for picture in pictures if is_doubtful(picture)}
    assert found == DOUBTFUL_GROUPS
