"""What is said of a picture never comes from its own fold."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from src.config.settings import Settings
from src.services.model_file import read_model_card
from src.utils.files import sha256_of
from tests.unit.training.validation.conftest import KINDS, Trial
from training.learning.network import CLASSES
from training.learning.samples import SampleKind
from training.validation.calibration import at_temperature
from training.validation.cross_validation import CrossValidation

FOLDS = (0, 1)


@pytest.fixture
def validation(trial: Trial) -> CrossValidation:
    """One that a test may spoil."""
    spoilt = copy.copy(trial.validation)
    spoilt._said, spoilt._descriptors = trial.validation._said.copy(), trial.validation._descriptors.copy()
    return spoilt


def fold_of_samples(trial: Trial) -> npt.NDArray[Any]:
    return trial.folds[[sample.picture for sample in trial.rendered.samples]]


def test_each_sample_is_judged_by_the_model_that_left_its_fold_out(trial: Trial) -> None:
    folds = fold_of_samples(trial)
    assert set(trial.validation.models) == set(FOLDS)
    for fold, model in trial.validation.models.items():
        assert model.tested.tolist() == np.flatnonzero(folds == fold).tolist()
        assert np.array_equal(trial.validation._said[model.tested], model.said)
    assert trial.validation.models[0].file != trial.validation.models[1].file


@pytest.mark.parametrize("fold", FOLDS)
def test_temperature_and_statistics_of_a_fold_know_nothing_of_it(
    trial: Trial, validation: CrossValidation, fold: int
) -> None:
    own = fold_of_samples(trial) == fold
    before = validation.temperature(), validation.temperature(fold)
    familiar = validation.familiarity(fold)
    # As sure as can be, and wrong.
    validation._said[own] = np.roll(np.eye(len(CLASSES)), 1, axis=1)[validation._label_of[own]]
    assert validation.temperature(fold) == before[1]
    assert validation.temperature() > before[0]
    validation._descriptors[own] += 100
    after = validation.familiarity(fold)
    assert np.array_equal(after.mean, familiar.mean)
    assert np.array_equal(after.components, familiar.components)
    assert after.typical == familiar.typical
    assert validation.familiarity().mean.mean() > familiar.mean.mean() + 40


def test_painted_and_harmlessly_painted_copies_do_not_move_the_temperature(
    trial: Trial, validation: CrossValidation
) -> None:
    before = validation.temperature()
    kinds = [sample.kind for sample in trial.rendered.samples]
    painted = np.array([kind in {SampleKind.PAINTED_STYE, SampleKind.HARMLESS_PAINT} for kind in kinds])
    validation._said[painted] = 0.25
    assert validation.temperature() == before
    validation._said[~painted] = 0.25
    assert validation.temperature() != before


def test_a_picture_counts_as_much_as_its_copies_together(validation: CrossValidation) -> None:
    """All originals right and all copies wrong, equally sure: then it must not matter how many copies there are."""
    sure = at_temperature(np.eye(len(CLASSES)) * 0.84 + 0.04, 1.0)
    originals, copies = (validation._kind_of == kind.value for kind in (KINDS[0], SampleKind.PHOTOGRAPHED))
    validation._said[originals] = sure[validation._label_of[originals]]
    validation._said[copies] = sure[(validation._label_of[copies] + 1) % len(CLASSES)]
    with_two_copies = validation.temperature()
    validation._kind_of = validation._kind_of.copy()
    validation._kind_of[np.flatnonzero(copies)[::2]] = SampleKind.HARMLESS_PAINT.value
    assert validation.temperature() == pytest.approx(with_two_copies, rel=1e-3)
    assert with_two_copies > 1


def test_without_a_healthy_eye_in_other_folds_all_eyes_are_typical(trial: Trial) -> None:
    """A small folder: its healthy eyes are all tested together."""
    folds = np.array([picture.label != CLASSES.index("Healthy") for picture in trial.pictures]).astype(np.int64)
    validation = copy.copy(trial.validation)
    validation._fold_of = folds[validation._picture_of]
    assert validation.familiarity(0).typical > 0


def test_copies_are_calibrated_by_the_temperature_of_their_fold(trial: Trial) -> None:
    truth, probabilities = trial.validation.calibrated_copies([SampleKind.PAINTED_STYE])
    assert (truth == CLASSES.index("Stye")).all()
    assert len(truth) == len(trial.pictures)
    first = KINDS.index(SampleKind.PAINTED_STYE)
    expected = at_temperature(trial.validation._said[[first]], trial.validation.temperature(int(trial.folds[0])))
    assert probabilities[:1] == pytest.approx(expected)
    # The uncalibrated are the pictures themselves.
    truth, probabilities = trial.validation.uncalibrated()
    assert truth.tolist() == [picture.label for picture in trial.pictures]
    assert probabilities == pytest.approx(trial.validation._said[:: len(KINDS)], abs=1e-5)


def test_every_picture_goes_through_the_service_with_the_model_of_its_fold(trial: Trial, settings: Settings) -> None:
    seen: list[int] = []
    tested = trial.validation.test(settings, lambda: seen.append(1))
    assert len(seen) == len(trial.pictures)
    by_fold = [trial.pictures[index] for fold in FOLDS for index in np.flatnonzero(trial.folds == fold)]
    assert [case.truth for case in tested.cases] == [picture.label for picture in by_fold]
    assert tested.groups == [picture.group for picture in by_fold]
    assert tested.origins == [picture.origin for picture in by_fold]
    assert set(tested.origins) == {"bibekbvk", "other"}
    assert tested.left_out == []
    for fold, model in trial.validation.models.items():
        card = read_model_card(model.file, sha256_of(model.file))
        assert card.temperature == trial.validation.temperature(fold)
        assert card.familiarity is not None
        assert card.familiarity.statistics.typical == pytest.approx(trial.validation.familiarity(fold).typical)
