"""Nothing that belongs together is torn apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.data.pictures import LabelledPicture, find_pictures
from training.data.split import assign_folds, whole_origins
from training.learning.network import CLASSES


def picture(label: int, origin: str, group: str, number: int) -> LabelledPicture:
    return LabelledPicture(Path(f"{origin}_{group}.jpg"), label, origin, f"{origin}/{group}", number)


@pytest.fixture
def pictures() -> list[LabelledPicture]:
    """One large origin with pairs of copies, two small ones that span both classes."""
    large = [picture(label, "large", f"g{label}{n // 2}", n + n // 10) for label in (0, 1) for n in range(60)]
    small = [picture(label, origin, f"g{label}{n}", n) for origin in ("s1", "s2") for label in (0, 1) for n in range(9)]
    return large + small


def test_groups_and_small_origins_stay_together(pictures: list[LabelledPicture]) -> None:
    folds = assign_folds(pictures, 4)
    assert whole_origins(pictures) == ["s1", "s2"]
    for key in ("group", "origin"):
        for value in {getattr(p, key) for p in pictures} - {"large"}:
            assert len({int(fold) for p, fold in zip(pictures, folds, strict=True) if getattr(p, key) == value}) == 1


def test_large_origins_are_cut_into_ranges_of_numbers(pictures: list[LabelledPicture]) -> None:
    folds = assign_folds(pictures, 4)
    for label in (0, 1):
        members = [
            (p.number, int(f)) for p, f in zip(pictures, folds, strict=True) if (p.origin, p.label) == ("large", label)
        ]
        in_order = [fold for _, fold in sorted(members)]
        assert in_order == sorted(in_order)
        assert min(np.bincount(in_order, minlength=4)) >= 10


def test_every_picture_is_tested_once(pictures: list[LabelledPicture]) -> None:
    folds = assign_folds(pictures, 4)
    assert len(folds) == len(pictures)
    assert set(folds.tolist()) == {0, 1, 2, 3}


def test_one_fold_is_no_cross_validation(pictures: list[LabelledPicture]) -> None:
    with pytest.raises(ValueError, match="two folds"):
        assign_folds(pictures, 1)


def test_the_real_pictures_are_split_without_leaks(shared_folder: Path) -> None:
    pictures = find_pictures(shared_folder / "data" / "eyes", CLASSES)
    folds = assign_folds(pictures, 5)
    by_group: dict[str, set[int]] = {}
    for labelled, fold in zip(pictures, folds, strict=True):
        by_group.setdefault(labelled.group, set()).add(int(fold))
    assert all(len(folds_of_group) == 1 for folds_of_group in by_group.values())
    stye_origins: dict[str, set[int]] = {}
    for labelled, fold in zip(pictures, folds, strict=True):
        if CLASSES[labelled.label] == "Stye":
            stye_origins.setdefault(labelled.origin, set()).add(int(fold))
    assert all(len(folds_of_origin) == 1 for folds_of_origin in stye_origins.values())
