"""The shipped model's heatmaps mean something: they show the bump that was painted, follow it when it moves, forget it
with the weights, and are the same each time.

The eyes are those of one portrait that the model was not trained on, so that everyone can run this; with the shared
pictures at hand, it is run on other people's eyes as well. Those it has been trained on, though not with these styes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from src.config.settings import Settings
from src.core.types import EyePrediction
from src.services.classifier import EyeClassifier
from src.services.grad_cam import lay_over
from src.utils.preprocessing import resize
from tests.conftest import SHARED_DATA
from training.data.pictures import find_pictures
from training.heatmaps.deletion_insertion import areas_per_order
from training.heatmaps.pointing_game import (
    STANDARD_TOLERANCE,
    PaintedCase,
    centre_hit_rate,
    chance_hit_rate,
    hit_rate,
    offset,
    painted_cases,
)
from training.heatmaps.sanity_checks import (
    FollowScore,
    ShuffledPart,
    correlations_between_classes,
    mirror_agreement,
    mirrored,
    rank_correlation,
    save_shuffled,
    shift_agreement,
)
from training.learning.network import CLASSES

# Hundreds of passes through the shipped model, over painted eyes.
pytestmark = pytest.mark.heavy

STYE = CLASSES.index("Stye")

# Windows of skimage's 512 x 512 portrait: left, top, width, height. Hair and brows are kept out of most of them,
# because the painter looks for lids in what is unlike skin.
WINDOWS = [(185, 83, 34, 30), (182, 80, 40, 36), (180, 77, 46, 41), (184, 78, 36, 40), (229, 84, 34, 30)]
CASES = 24
DELETED = 6
"""Of the cases; deletion and insertion of one take 32 passes through the network."""


class Looked:
    """Painted cases, and what a classifier says of them."""

    def __init__(self, classifier: EyeClassifier, cases: list[PaintedCase]) -> None:
        self.classifier = classifier
        self.cases = cases
        self.crops = [case.crop for case in cases]
        self.masks = [case.mask for case in cases]
        self.predictions: list[EyePrediction] = classifier.classify(self.crops)
        self.heatmaps = [prediction.heatmaps[STYE] for prediction in self.predictions]


def portrait_cases(*, filled: bool) -> list[PaintedCase]:
    portrait = np.asarray(data.astronaut())
    eyes = [
        resize(np.ascontiguousarray(portrait[top : top + height, left : left + width]), 10 * width, 10 * height)
        for left, top, width, height in WINDOWS
    ]
    return painted_cases([*eyes, *(mirrored(eye) for eye in eyes)], CASES, seed=0, filled=filled)


def shared_cases(*, filled: bool) -> list[PaintedCase]:
    """One stye each on healthy eyes, spread evenly over the data set."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared pictures are not on this machine")
    healthy = [
        picture for picture in find_pictures(SHARED_DATA / "eyes", CLASSES) if picture.label == CLASSES.index("Healthy")
    ]
    return painted_cases(
        [picture.read() for picture in healthy[:: len(healthy) // (2 * CASES)]], CASES, seed=1, filled=filled
    )


@pytest.fixture(scope="module", params=[portrait_cases, shared_cases], ids=["portrait", "shared_pictures"])
def looked(request: pytest.FixtureRequest, classifier: EyeClassifier) -> Looked:
    return Looked(classifier, request.param(filled=classifier.card.fills_crops))


class TestPointing:
    """Zhang et al., "Top-down neural attention by excitation backprop", IJCV 2018."""

    def test_painted_bumps_are_taken_for_styes_and_no_map_is_flat(self, looked: Looked) -> None:
        best = [int(prediction.probabilities.argmax()) for prediction in looked.predictions]
        assert best.count(STYE) >= 0.75 * len(best)
        assert all(heatmap is not None for heatmap in looked.heatmaps)

    def test_the_peak_falls_on_the_bump(self, looked: Looked) -> None:
        assert hit_rate(looked.heatmaps, looked.masks, STANDARD_TOLERANCE) >= 0.8

    def test_without_tolerance_it_still_beats_chance_and_the_centre_by_far(self, looked: Looked) -> None:
        baseline = max(chance_hit_rate(looked.masks), centre_hit_rate(looked.masks))
        assert hit_rate(looked.heatmaps, looked.masks) >= baseline + 0.4

    def test_it_leans_to_no_side(self, looked: Looked) -> None:
        offsets = [
            offset(heatmap, mask)
            for heatmap, mask in zip(looked.heatmaps, looked.masks, strict=True)
            if heatmap is not None
        ]
        assert np.abs(np.median(offsets, axis=0)).max() <= 16


class TestDeletionAndInsertion:
    """Petsiuk et al., "RISE: randomized input sampling for explanation of black-box models", BMVC 2018."""

    def test_the_score_hangs_on_the_hottest_places(self, looked: Looked) -> None:
        rng = np.random.default_rng(0)
        pairs = list(zip(looked.crops, looked.heatmaps, strict=True))[:DELETED]
        areas = [
            areas_per_order(looked.classifier, crop, heatmap, STYE, rng, random_orders=1)
            for crop, heatmap in pairs
            if heatmap is not None
        ]
        assert len(areas) == DELETED
        by_map, by_chance, by_centre = (
            np.array([(getattr(area, order).deletion, getattr(area, order).insertion) for area in areas]).mean(axis=0)
            for order in ("heatmap", "random", "centre")
        )
        assert by_map[0] < min(by_chance[0], by_centre[0])
        assert by_map[1] > max(by_chance[1], by_centre[1])


class TestMotion:
    """Mean rank correlations: 1 where the map has moved just as the picture has, 0 where it is another map."""

    @pytest.mark.parametrize("agreement_of", [mirror_agreement, shift_agreement])
    def test_the_mirrored_or_shifted_picture_has_the_mirrored_or_shifted_map(
        self, looked: Looked, agreement_of: Callable[..., FollowScore]
    ) -> None:
        agreement = agreement_of(looked.classifier, looked.crops, looked.heatmaps, STYE)
        assert agreement.moved >= 0.7
        assert agreement.moved > agreement.unmoved


class TestClasses:
    def test_each_class_has_a_map_of_its_own(self, looked: Looked) -> None:
        correlations = [
            value for prediction in looked.predictions for value in correlations_between_classes(prediction.heatmaps)
        ]
        assert len(correlations) >= len(looked.crops)
        # Now and then two classes are told by the same one place.
        assert float(np.mean(np.array(correlations) >= 0.99)) < 0.02
        # Places that are cold in both maps count as agreement, so unlike maps do not come down to 0.
        assert float(np.mean(correlations)) < 0.6


class TestForgetting:
    """Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018: a map of the picture alone would stay."""

    @pytest.mark.parametrize("part", [ShuffledPart.LAST_LAYER, ShuffledPart.EVERYTHING])
    def test_without_what_was_learned_the_map_is_another(
        self, settings: Settings, classifier: EyeClassifier, tmp_path: Path, part: ShuffledPart
    ) -> None:
        crops = [case.crop for case in portrait_cases(filled=classifier.card.fills_crops)]
        save_shuffled(settings.model_path, part, 0, tmp_path / "shuffled.h5")
        forgetful = EyeClassifier("Forgetful", tmp_path / "shuffled.h5", CLASSES, settings.grad_cam_layer)
        before, after = classifier.classify(crops), forgetful.classify(crops)
        correlations = [
            rank_correlation(one.heatmaps[index], other.heatmaps[index])
            for one, other in zip(before, after, strict=True)
            for index in range(len(CLASSES))
            if one.heatmaps[index] is not None and other.heatmaps[index] is not None
        ]
        # With all maps flat there would be nothing to see.
        assert len(correlations) >= len(crops)
        # Places that are cold in both maps count as agreement, so unlike maps do not come down to 0.
        assert float(np.mean(correlations)) < 0.6


def test_what_is_seen_is_the_same_in_company_as_alone(looked: Looked) -> None:
    """TensorFlow adds up in another order for one crop than for many: the last digit of a heat may differ."""
    crops = looked.crops[:4]
    alone = [looked.classifier.classify([crop])[0] for crop in crops]
    difference = np.abs(
        [
            lay_over(crop, heatmap).astype(int) - lay_over(crop, other)
            for crop, one, together in zip(crops, alone, looked.classifier.classify(crops), strict=True)
            for heatmap, other in zip(one.heatmaps, together.heatmaps, strict=True)
            if heatmap is not None and other is not None
        ]
    )
    assert len(difference) >= len(crops)
    assert difference.max() <= 3
    assert (difference > 0).mean() < 0.002
