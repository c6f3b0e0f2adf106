"""Pictures are drawn again as they came: per class, and with their group."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from training.evaluation import bootstrap
from training.evaluation.bootstrap import draw_counts, estimate, estimate_share, share, shown

TRUTH = np.array([0] * 6 + [1] * 2)


def drawn(truth: npt.NDArray[Any], groups: list[str] | None, resamples: int = 200, seed: int = 0) -> npt.NDArray[Any]:
    return np.concatenate(list(draw_counts(truth, groups, resamples, seed)))


def test_classes_keep_their_size() -> None:
    counts = drawn(TRUTH, None)
    assert counts.shape == (200, 8)
    assert (counts[:, :6].sum(axis=1) == 6).all()
    assert (counts[:, 6:].sum(axis=1) == 2).all()
    assert counts.mean() == 1
    assert counts.std() > 0.5


def test_groups_are_drawn_together_and_no_class_disappears_although_a_group_shows_two() -> None:
    counts = drawn(TRUTH, ["x", "x", "x", "y", "y", "z", "p", "q"])
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 3] == counts[:, 4]).all()
    assert not (counts[:, 0] == counts[:, 3]).all()
    counts = drawn(np.array([0, 1, 0, 0, 0]), ["both", "both", "a", "b", "c"])
    assert (counts[:, 1] > 0).all()


def test_a_large_folder_is_drawn_in_parts_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_LARGEST_CHUNK", 8 * 30)
    parts = list(draw_counts(TRUTH, None, 100, 0))
    assert [len(part) for part in parts] == [30, 30, 30, 10]


def test_an_interval_leaves_out_a_fortieth_at_each_end_and_resamples_on_which_a_figure_is_not_defined() -> None:
    assert estimate(0.5, np.arange(1001) / 1000) == {"value": 0.5, "interval": [0.025, 0.975]}
    assert estimate(0.5, [0.5, np.nan, 0.5]) == {"value": 0.5, "interval": [0.5, 0.5]}
    assert estimate(0.5, [np.nan]) == {"value": 0.5, "interval": None}
    assert estimate(np.nan, [0.5]) == {"value": None, "interval": None}


def test_a_share_of_few_pictures_or_without_a_mistake_has_the_score_interval() -> None:
    drawn = {"value": 0.5, "interval": [0.4, 0.6]}
    # Wilson's interval by its formula, for z = 1.96.
    for part, whole in ((6, 9), (9, 9), (0, 60)):
        share, z2 = part / whole, 1.959964**2
        middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
        half = np.sqrt(z2 * (share * (1 - share) / whole + z2 / (4 * whole**2))) / (1 + z2 / whole)
        low, high = estimate_share(part, whole, drawn)["interval"]
        assert (low, high) == pytest.approx((max(0, middle - half), min(1, middle + half)), abs=1e-4)
    assert estimate_share(30, 60, drawn) == drawn
    assert estimate_share(0, 0, {"value": None, "interval": None})["interval"] is None


def test_an_estimate_or_a_number_in_words() -> None:
    assert shown({"value": 0.5, "interval": [0.25, 0.75]}) == "0.500 (0.250 to 0.750)"
    assert shown({"value": 0.5, "interval": None}) == shown(0.5) == "0.500"
    assert shown({"value": None, "interval": None}) == shown(None) == "-"


def test_a_share_is_the_part_that_is_true_and_not_known_of_nothing() -> None:
    assert share([True, False, False]) == 0.3333
    assert share(np.array([True, True])) == 1
    assert share([]) is None
    assert share(np.zeros(0, dtype=bool)) is None
