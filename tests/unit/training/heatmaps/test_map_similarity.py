"""Similarity of heatmaps is that of the order of their places."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.types import Heatmap
from training.heatmaps.map_similarity import correlations_between_classes, rank_correlation


def random_map(seed: int) -> Heatmap:
    """With cold places, as Grad-CAM has them."""
    heat = np.random.default_rng(seed).normal(0.2, 0.5, (7, 7)).clip(0, None)
    return (heat / heat.max()).astype(np.float32)


def test_a_map_is_like_itself_and_like_its_square() -> None:
    assert rank_correlation(random_map(0), random_map(0)) == pytest.approx(1)
    assert rank_correlation(random_map(0), random_map(0) ** 2) == pytest.approx(1)


def test_a_map_is_the_opposite_of_its_negative() -> None:
    assert rank_correlation(random_map(0), 1 - random_map(0)) == pytest.approx(-1)


@pytest.mark.parametrize("seed", range(5))
def test_without_ties_it_is_what_spearmans_own_formula_gives(seed: int) -> None:
    dice = np.random.default_rng(seed)
    one, other = dice.permutation(49), dice.permutation(49)
    expected = 1 - 6 * ((one - other) ** 2).sum() / (49 * (49**2 - 1))
    maps = [(ranks.reshape(7, 7) / 48).astype(np.float32) for ranks in (one, other)]
    assert rank_correlation(*maps) == pytest.approx(expected)


def test_ties_share_their_mean_rank() -> None:
    """Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4: 4.5 over the root of 4.5 times 5."""
    one = np.array([[0, 0], [0.5, 1]], np.float32)
    other = np.array([[0.1, 0.2], [0.5, 1]], np.float32)
    assert rank_correlation(one, other) == pytest.approx(4.5 / np.sqrt(4.5 * 5))


@pytest.mark.parametrize("flat", [None, np.full((7, 7), 0.5, np.float32)])
def test_a_flat_map_is_like_no_other(flat: Heatmap | None) -> None:
    assert rank_correlation(flat, random_map(0)) == rank_correlation(random_map(0), flat) == 0


def test_all_pairs_of_classes_are_compared_but_for_flat_maps() -> None:
    maps = [random_map(0), None, random_map(1), 1 - random_map(0)]
    values = correlations_between_classes(maps)
    assert len(values) == 3
    assert values[1] == pytest.approx(-1)
