"""Nothing that belongs together is torn apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
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


def folds_by(key: str, pictures: list[LabelledPicture], folds: npt.NDArray[np.int64]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for labelled, fold in zip(pictures, folds, strict=True):
        found.setdefault(getattr(labelled, key), set()).add(int(fold))
    return found


def test_groups_and_small_origins_stay_together_and_large_ones_are_cut_into_ranges_of_numbers(
    pictures: list[LabelledPicture],
) -> None:
    folds = assign_folds(pictures, 4)
    assert len(folds) == len(pictures)
    assert set(folds.tolist()) == {0, 1, 2, 3}
    assert whole_origins(pictures) == ["s1", "s2"]
    assert all(len(found) == 1 for found in folds_by("group", pictures, folds).values())
    by_origin = folds_by("origin", pictures, folds)
    assert len(by_origin["s1"]) == len(by_origin["s2"]) == 1
    for label in (0, 1):
        members = [
            (p.number, int(f)) for p, f in zip(pictures, folds, strict=True) if (p.origin, p.label) == ("large", label)
        ]
        in_order = [fold for _, fold in sorted(members)]
        assert in_order == sorted(in_order)
        assert min(np.bincount(in_order, minlength=4)) >= 10


def test_one_fold_is_no_cross_validation(pictures: list[LabelledPicture]) -> None:
    with pytest.raises(ValueError, match="two folds"):
        assign_folds(pictures, 1)


def test_the_real_pictures_are_split_without_leaks(shared_folder: Path) -> None:
    pictures = find_pictures(shared_folder / "data" / "eyes", CLASSES)
    folds = assign_folds(pictures, 5)
    assert all(len(found) == 1 for found in folds_by("group", pictures, folds).values())
    whole = set(whole_origins(pictures))
    assert len(whole) > 10
    is_whole = np.array([labelled.origin in whole for labelled in pictures])
    of_whole = [labelled for labelled, chosen in zip(pictures, is_whole, strict=True) if chosen]
    assert all(len(found) == 1 for found in folds_by("origin", of_whole, folds[is_whole]).values())
