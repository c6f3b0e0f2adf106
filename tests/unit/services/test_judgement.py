"""Every threshold is the setting of its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from src.config.settings import Settings, load_settings
from src.core.types import CropQuality, EyePrediction, Reason
from src.services.judgement import Reliability, ScoreRange, Thresholds, reasons_to_doubt


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Thresholds)])
def test_each_setting_reaches_its_threshold_and_no_other(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    usual = dataclasses.asdict(Thresholds.from_settings(load_settings(env_file=None)))
    one_for_each = field == "min_confidence"
    changed = 1 if one_for_each or usual[field] is None else type(usual[field])(1 if usual[field] != 1 else 0)
    monkeypatch.setenv(field.upper(), str(changed))
    expected = usual | {field: (1,) * 4 if one_for_each else changed}
    assert dataclasses.asdict(Thresholds.from_settings(load_settings(env_file=None))) == expected
    assert {name for name in Settings.model_fields if name.startswith("min_")} < usual.keys()


def test_the_least_confidence_is_that_of_the_setting_else_that_of_the_card_else_the_usual_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = (0.5, 0.6, 0.7, 0.8)
    assert Thresholds.from_settings(load_settings(env_file=None), card).min_confidence == card
    assert Thresholds.from_settings(load_settings(env_file=None)).min_confidence == (0.6,) * 4
    monkeypatch.setenv("MIN_CONFIDENCE", "0.9")
    assert Thresholds.from_settings(load_settings(env_file=None), card).min_confidence == (0.9,) * 4


def test_from_where_on_an_eye_has_another_condition_is_the_settings_word_else_the_cards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Thresholds.from_settings(load_settings(env_file=None)).max_other_condition is None
    assert Thresholds.from_settings(load_settings(env_file=None), None, 0.4).max_other_condition == 0.4
    monkeypatch.setenv("MAX_OTHER_CONDITION", "1")
    assert Thresholds.from_settings(load_settings(env_file=None), None, 0.4).max_other_condition == 1


THRESHOLDS = Thresholds(
    min_confidence=(0.6,) * 3,
    max_unfamiliarity=1.0,
    not_an_eye_from=2.0,
    min_sharpness=0.2,
    min_brightness=20,
    max_brightness=220,
    min_crop_pixels=30,
    min_eye_openness=0.15,
    min_frame_agreement=0.6,
)
GOOD = CropQuality(sharpness=0.5, brightness=120, shortest_side=100, openness=0.3)
SURE = (0.1, 0.9)
OFF = Thresholds((0,) * 3, 1000, 1000, 0, 0, 255, 0, 0, 0)


def prediction(shares: Sequence[float] = SURE, unfamiliarity: float | None = None) -> EyePrediction:
    return EyePrediction(np.array(shares, np.float32), (None,) * len(shares), unfamiliarity)


def reasons(
    predictions: Sequence[EyePrediction] = (prediction(),),
    qualities: Sequence[CropQuality] = (GOOD,),
    shown: CropQuality | None = None,
    thresholds: Thresholds = THRESHOLDS,
) -> list[Reason]:
    probabilities = np.mean([prediction.probabilities for prediction in predictions], axis=0)
    return list(reasons_to_doubt(probabilities, predictions, qualities, shown or qualities[0], thresholds))


def with_strangeness(*values: float | None) -> list[EyePrediction]:
    return [prediction(unfamiliarity=value) for value in values]


def with_openness(*values: float | None) -> list[CropQuality]:
    return [replace(GOOD, openness=value) for value in values]


def test_a_good_eye_leaves_no_doubt_nor_does_one_that_is_exactly_on_its_thresholds() -> None:
    assert reasons() == []
    edge = CropQuality(sharpness=0.2, brightness=20, shortest_side=30, openness=0.15)
    assert reasons(qualities=[edge]) == reasons(qualities=[replace(edge, brightness=220)]) == []
    # A single frame cannot disagree.
    assert reasons(thresholds=replace(THRESHOLDS, min_frame_agreement=1)) == []


@pytest.mark.parametrize(
    ("shares", "doubted"), [([0.59], True), ([0.61], False), ([1], False), ([0.95, 0.55], False), ([0.55], True)]
)
def test_the_best_class_needs_its_probability_in_the_mean_over_the_frames(shares: list[float], doubted: bool) -> None:
    found = reasons([prediction((1 - share, share)) for share in shares], [GOOD] * len(shares))
    assert found == ([Reason.LOW_CONFIDENCE] if doubted else [])


def test_each_class_has_a_least_confidence_of_its_own() -> None:
    thresholds = replace(THRESHOLDS, min_confidence=(0.9, 0.6))
    assert reasons([prediction((0.2, 0.8))], thresholds=thresholds) == []
    assert reasons([prediction((0.8, 0.2))], thresholds=thresholds) == [Reason.LOW_CONFIDENCE]


class TestExpectedPrecision:
    """Of 100 ill eyes 80 are called so, 60 of them with 0.8 or more; of 100 healthy ones 10, and 2."""

    ILL = (ScoreRange(0.0, (0.2, 0.08)), ScoreRange(0.8, (0.6, 0.02)))

    def of(self, score: float, *prevalence: float, said: int = 0) -> float | None:
        return Reliability((self.ILL, ()), prevalence).expected_precision(said, score)

    def test_it_is_the_share_of_the_ill_among_those_who_are_called_ill_at_such_a_score(
        self,
    ) -> None:
        assert self.of(0.8, 0.5, 0.5) == self.of(1.0, 0.5, 0.5) == pytest.approx(0.6 / 0.62)
        assert self.of(0.79, 0.5, 0.5) == self.of(0.3, 0.5, 0.5) == pytest.approx(0.2 / 0.28)

    def test_where_the_disease_is_rarer_the_same_score_is_right_less_often(self) -> None:
        assert self.of(0.9, 0.02, 0.98) == pytest.approx(0.012 / (0.012 + 0.0196))
        assert self.of(0.9, 0.0, 1.0) == 0

    def test_of_a_class_without_figures_and_of_what_is_never_said_nothing_is_known(self) -> None:
        assert self.of(0.9, 0.5, 0.5, said=1) is None
        assert Reliability(((ScoreRange(0.0, (0.0, 0.0)),), ()), (0.5, 0.5)).expected_precision(0, 0.7) is None
        assert Reliability(((ScoreRange(0.5, (0.5, 0.1)),), ()), (0.5, 0.5)).expected_precision(0, 0.4) is None


class TestStrangeness:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (0.0, []),
            (1.0, []),
            (1.01, [Reason.UNFAMILIAR]),
            (2.0, [Reason.UNFAMILIAR]),
            (2.01, [Reason.NOT_AN_EYE]),
            (999.0, [Reason.NOT_AN_EYE]),
        ],
    )
    def test_what_is_unlike_the_training_pictures_is_unfamiliar_or_no_eye_never_both(
        self, value: float, expected: list[Reason]
    ) -> None:
        assert reasons(with_strangeness(value)) == expected

    def test_one_odd_frame_decides_nothing_nor_does_a_model_without_statistics(self) -> None:
        assert reasons(with_strangeness(0.5, 50, 0.5), [GOOD] * 3) == []
        assert reasons(with_strangeness(50, 0.5, 50), [GOOD] * 3) == [Reason.NOT_AN_EYE]
        assert reasons(with_strangeness(None, None), [GOOD] * 2) == []


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (replace(GOOD, sharpness=0.19), Reason.BLURRY),
        (replace(GOOD, brightness=19.9), Reason.TOO_DARK),
        (replace(GOOD, brightness=220.1), Reason.TOO_BRIGHT),
        (replace(GOOD, shortest_side=29), Reason.TOO_SMALL),
    ],
)
def test_quality_is_judged_on_the_frame_that_is_shown(shown: CropQuality, reason: Reason) -> None:
    assert reasons([prediction()] * 2, [GOOD, shown], shown) == [reason]
    assert reasons([prediction()] * 2, [GOOD, shown], GOOD) == []


class TestClosedEyes:
    @pytest.mark.parametrize(
        ("openness", "closed"),
        [
            ((0.1,), True),
            ((0.1, 0.1, 0.3), True),
            ((0.1, 0.3), False),
            ((0.1, 0.3, 0.3), False),
            ((0.1, None, None), True),
            ((0.1, 0.3, None), False),
            ((None, None), False),
        ],
    )
    def test_an_eye_is_closed_if_it_is_in_most_frames_that_show_it(
        self, openness: tuple[float | None, ...], closed: bool
    ) -> None:
        found = reasons([prediction()] * len(openness), with_openness(*openness))
        assert found == ([Reason.EYE_CLOSED] if closed else [])


class TestWhatTheSearchSays:
    @pytest.mark.parametrize(("field", "reason"), [("sure", Reason.NOT_AN_EYE), ("lids_visible", Reason.TOO_CLOSE)])
    @pytest.mark.parametrize(
        ("frames", "doubted"),
        [((False,), True), ((False, False, True), True), ((False, True), False), ((False, True, True), False)],
    )
    def test_it_counts_where_it_is_so_in_most_of_the_frames(
        self, field: str, reason: Reason, frames: tuple[bool, ...], doubted: bool
    ) -> None:
        qualities = [replace(GOOD, **{field: value}) for value in frames]
        assert reasons([prediction()] * len(frames), qualities) == ([reason] if doubted else [])

    def test_what_it_is_not_sure_of_is_not_also_unfamiliar(self) -> None:
        assert reasons(with_strangeness(1.5), [replace(GOOD, sure=False)]) == [Reason.NOT_AN_EYE]


class TestOtherConditions:
    @pytest.mark.parametrize(
        ("frames", "doubted"),
        [((0.4,), False), ((0.41,), True), ((0.1, 0.9, 0.3), False), ((0.1, 0.9, 0.5), True), ((0.3, 0.6), True)],
    )
    def test_the_median_frame_decides(self, frames: tuple[float, ...], doubted: bool) -> None:
        predictions = [replace(prediction(), other_condition=value) for value in frames]
        thresholds = replace(THRESHOLDS, max_other_condition=0.4)
        found = reasons(predictions, [GOOD] * len(frames), thresholds=thresholds)
        assert found == ([Reason.OTHER_CONDITION] if doubted else [])

    def test_a_model_whose_card_does_not_know_them_says_nothing(self) -> None:
        assert reasons([replace(prediction(), other_condition=1.0)]) == []
        assert reasons(thresholds=replace(THRESHOLDS, max_other_condition=0.4)) == []


class TestDisagreement:
    @pytest.mark.parametrize(
        ("agreeing", "others", "doubted"), [(2, 1, False), (3, 2, False), (1, 1, True), (5, 4, True)]
    )
    def test_enough_frames_have_the_overall_best_class_as_their_own(
        self, agreeing: int, others: int, doubted: bool
    ) -> None:
        frames = [prediction((0.0, 1.0))] * agreeing + [prediction((0.51, 0.49))] * others
        assert (Reason.FRAMES_DISAGREE in reasons(frames, [GOOD] * len(frames))) is doubted


BAD = CropQuality(sharpness=0, brightness=0, shortest_side=1, openness=0)


def test_all_reasons_come_in_their_fixed_order() -> None:
    frames = [replace(prediction(shares, 9), other_condition=1.0) for shares in ((0.51, 0.49), (0.49, 0.51))]
    both_sides_of_light = replace(THRESHOLDS, max_brightness=-1, max_other_condition=0.5)
    found = reasons(frames, [replace(BAD, lids_visible=False)] * 2, thresholds=both_sides_of_light)
    assert found == [reason for reason in Reason if reason is not Reason.UNFAMILIAR]


def test_every_check_can_be_switched_off() -> None:
    frames = [prediction((0.51, 0.49), 999), prediction((0.49, 0.51), 999)]
    for brightness in (0, 255):
        assert reasons(frames, [replace(BAD, brightness=brightness)] * 2, thresholds=OFF) == []
