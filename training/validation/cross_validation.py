"""Tests the recipe on pictures that its models never saw, through the whole service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from src.config.settings import Settings
from src.services.familiarity import FamiliarityStatistics
from training.card.model_card import write_answering_card
from training.data.pictures import LabelledPicture, is_doubtful
from training.evaluation.bootstrap import Bools, Integers
from training.evaluation.examination import Case, LeftOut, examine_with
from training.learning.network import CLASSES
from training.learning.rendering import RenderedSet
from training.learning.samples import NATURAL, SampleKind
from training.learning.trainer import DESCRIBED, TrainedModel, Trainer
from training.validation.calibration import (
    at_temperature,
    fit_familiarity,
    fit_temperature,
    typical_unfamiliarity,
)

_HEALTHY = CLASSES.index("Healthy")


@dataclass(slots=True)
class TestedPictures:
    """What the service said of every picture, by a model, a temperature and statistics that came from other folds.

    One case per eye, and of each case the group and origin of its picture, whether its label is not learnt from, and
    the fold.
    """

    cases: list[Case] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    doubtful: list[bool] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)


class CrossValidation:
    """One model per fold, and what is learnt from all of them together: temperature and familiarity."""

    def __init__(
        self, trainer: Trainer, pictures: Sequence[LabelledPicture], rendered: RenderedSet, folds: Integers
    ) -> None:
        """`folds` has for each picture the one in which it is tested."""
        self._layer = trainer.described_layer
        self._pictures = pictures
        self._folds = folds
        self._picture_of = np.array([sample.picture for sample in rendered.samples])
        self._fold_of = folds[self._picture_of]
        self._label_of = np.array([sample.label for sample in rendered.samples], dtype=np.int64)
        self._kind_of = np.array([sample.kind.value for sample in rendered.samples])
        self._descriptors = trainer.descriptors()
        self.models: dict[int, TrainedModel] = {
            int(fold): trainer.model_without(folds == fold) for fold in np.unique(folds)
        }
        self._said = np.zeros((len(self._label_of), len(CLASSES)), dtype=np.float32)
        for model in self.models.values():
            self._said[model.tested] = model.said
        self._strangeness = np.zeros(len(self._label_of))
        for fold in self.models:
            own = self._fold_of == fold
            statistics = fit_familiarity(self._descriptors[self._of_kinds(DESCRIBED) & ~own])
            self._strangeness[own] = statistics.unfamiliarity(self._descriptors[own])

    def temperature(self, without: int | None = None) -> float:
        """Fitted on what the models said of left-out pictures and their photographed copies, one fold apart.

        A picture counts as much as all of its copies together, and no picture more than another.
        """
        chosen = self._of_kinds(NATURAL) & (self._fold_of != without)
        counts = np.bincount(self._picture_of[chosen & ~self._originals()], minlength=len(self._pictures))
        weights = np.where(self._originals(), 1.0, 1 / np.maximum(1, counts[self._picture_of]))
        return fit_temperature(self._said[chosen], self._label_of[chosen], weights[chosen])

    def familiarity(self, without: int | None = None) -> FamiliarityStatistics:
        """Of the samples that are described, one fold apart."""
        chosen = self._of_kinds(DESCRIBED) & (self._fold_of != without)
        healthy = chosen & self._originals() & (self._label_of == _HEALTHY)
        # In a small folder all healthy eyes may be in one fold.
        usual = healthy if healthy.any() else chosen & self._originals()
        return fit_familiarity(self._descriptors[chosen], typical_unfamiliarity(self._strangeness[usual]))

    def test(self, settings: Settings, on_picture: Callable[[], None] = lambda: None) -> TestedPictures:
        """Sends each picture through the service with the model of its fold."""
        tested = TestedPictures()
        for fold, model in self.models.items():
            write_answering_card(model.file, self.temperature(fold), self.familiarity(fold), self._layer)
            own = [picture for picture, number in zip(self._pictures, self._folds, strict=True) if number == fold]
            examination, _ = examine_with(
                settings.model_copy(update={"model_path": model.file.absolute()}), own, on_picture
            )
            origin_of = {picture.group: picture.origin for picture in own}
            doubtful = {picture.group for picture in own if is_doubtful(picture)}
            tested.cases += examination.cases
            tested.folds += [fold] * len(examination.cases)
            tested.groups += examination.groups
            tested.origins += [origin_of[group] for group in examination.groups]
            tested.doubtful += [group in doubtful for group in examination.groups]
            tested.left_out += examination.left_out
        return tested

    def calibrated_copies(self, kinds: Sequence[SampleKind]) -> tuple[Integers, npt.NDArray[np.float64]]:
        """True classes and calibrated probabilities of all copies of these kinds, by their folds' models."""
        chosen = self._of_kinds(kinds)
        probabilities = self._said.astype(np.float64)
        for fold in self.models:
            own = self._fold_of == fold
            probabilities[own] = at_temperature(self._said[own], self.temperature(fold))
        return self._label_of[chosen], probabilities[chosen]

    def uncalibrated(self) -> tuple[Integers, npt.NDArray[np.float64]]:
        """True classes and probabilities at temperature 1 of the pictures themselves."""
        chosen = self._originals()
        return self._label_of[chosen], at_temperature(self._said[chosen], 1.0)

    def _originals(self) -> Bools:
        return np.asarray(self._kind_of == SampleKind.ORIGINAL.value, dtype=np.bool_)

    def _of_kinds(self, kinds: Collection[SampleKind]) -> Bools:
        return np.isin(self._kind_of, [kind.value for kind in kinds])
