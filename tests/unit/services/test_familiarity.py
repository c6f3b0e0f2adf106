"""Unfamiliarity is the part of a descriptor outside of what the training pictures vary in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.types import Floats
from src.services.familiarity import FamiliarityStatistics

MEASURES, DIRECTIONS = 40, 6


@pytest.fixture
def statistics() -> FamiliarityStatistics:
    dice = np.random.default_rng(0)
    components, _ = np.linalg.qr(dice.normal(size=(MEASURES, DIRECTIONS)))
    return FamiliarityStatistics(
        mean=dice.normal(size=MEASURES), scale=dice.uniform(0.5, 2, MEASURES), components=components, typical=0.25
    )


def described(statistics: FamiliarityStatistics, scaled: Floats) -> Floats:
    return scaled * statistics.scale + statistics.mean


def test_unfamiliarity_is_the_error_of_reconstruction_however_far_along_the_components(
    statistics: FamiliarityStatistics,
) -> None:
    dice = np.random.default_rng(3)
    scaled = dice.normal(size=(7, MEASURES))
    rebuilt = scaled @ statistics.components @ statistics.components.T
    expected = ((scaled - rebuilt) ** 2).mean(axis=1) / 0.25
    along = 100 * dice.normal(size=(7, DIRECTIONS)) @ statistics.components.T
    for strange, there in [(expected, scaled), (expected, scaled + along), (0, along), (0, 0 * along)]:
        assert statistics.unfamiliarity(described(statistics, there)) == pytest.approx(strange, abs=1e-6)
    assert statistics.unfamiliarity(np.empty((0, MEASURES))).shape == (0,)


class TestFile:
    def test_what_is_written_is_read_again(self, statistics: FamiliarityStatistics, tmp_path: Path) -> None:
        statistics.save(tmp_path / "statistics.npz")
        read = FamiliarityStatistics.load(tmp_path / "statistics.npz")
        descriptors = described(statistics, np.random.default_rng(4).normal(size=(20, MEASURES)))
        assert read.typical == 0.25
        np.testing.assert_allclose(
            read.unfamiliarity(descriptors), statistics.unfamiliarity(descriptors), rtol=0.01, atol=1e-4
        )

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"mean": np.zeros(MEASURES + 1)}, "do not fit together"),
            ({"scale": np.ones((MEASURES, 1))}, "do not fit together"),
            ({"components": np.zeros((DIRECTIONS, MEASURES))}, "do not fit together"),
            ({"components": np.zeros(MEASURES)}, "do not fit together"),
            ({"mean": np.full(MEASURES, np.nan)}, "not finite"),
            ({"components": np.full((MEASURES, DIRECTIONS), np.inf)}, "not finite"),
            ({"scale": np.zeros(MEASURES)}, "above 0"),
            ({"typical": 0.0}, "above 0"),
            ({"typical": float("nan")}, "not finite"),
        ],
    )
    def test_statistics_that_cannot_be_are_refused(
        self, statistics: FamiliarityStatistics, tmp_path: Path, wrong: dict[str, Any], sentence: str
    ) -> None:
        replace(statistics, **wrong).save(tmp_path / "statistics.npz")
        with pytest.raises(ValueError, match=sentence):
            FamiliarityStatistics.load(tmp_path / "statistics.npz")

    @pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off", b"\x93NUMPY"])
    def test_another_kind_of_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "statistics.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"not an \.npz file with mean, scale, components, typical"):
            FamiliarityStatistics.load(tmp_path / "statistics.npz")

    def test_files_with_other_arrays_or_pickled_objects_are_refused_and_not_unpacked(
        self, statistics: FamiliarityStatistics, tmp_path: Path
    ) -> None:
        arrays: dict[str, Any] = {"scale": statistics.scale, "components": statistics.components, "typical": 1.0}
        np.savez(tmp_path / "pickled.npz", mean=np.array([{"an": "object"}], dtype=object), **arrays)
        np.savez(tmp_path / "others.npz", mean=np.zeros(3))
        np.save(tmp_path / "single.npy", np.zeros(3))
        for name in ("pickled.npz", "others.npz", "single.npy"):
            with pytest.raises(ValueError, match=r"not an \.npz file"):
                FamiliarityStatistics.load(tmp_path / name)
