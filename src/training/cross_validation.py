"""Tests the recipe on pictures, and on whole origins, that its models never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from src.training.balance import sampling_weights
from src.training.features import FeatureSet
from src.training.fitting import FitRecipe, fit, predict
from src.training.metrics import summarise
from src.training.network import CLASSES
from src.training.pictures import LabelledPicture
from src.training.samples import SampleKind

Bools = npt.NDArray[np.bool_]


class CrossValidation:
    """Trains one model per part that is left out, and keeps what each says of its part."""

    def __init__(
        self,
        backbone: Any,
        pictures: Sequence[LabelledPicture],
        features: FeatureSet,
        recipe: FitRecipe,
        seed: int,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        self._backbone = backbone
        self._pictures = pictures
        self._values = features.values
        self._samples = features.samples
        self._recipe = recipe
        self._seed = seed
        self._on_step = on_step
        self._picture_of = np.array([sample.picture for sample in features.samples])
        self._label_of = np.array([sample.label for sample in features.samples])
        self._kind_of = np.array([sample.kind.value for sample in features.samples])

    def train_without(self, left_out: Bools) -> Any:
        """A trained part that saw no sample of the pictures for which `left_out` (one per picture) is True."""
        weights = sampling_weights(self._samples, self._pictures, ~left_out[self._picture_of])
        return fit(self._backbone, self._values, self._label_of, weights, self._recipe, self._seed, self._on_step)

    def test_by_fold(self, folds: npt.NDArray[np.int64]) -> dict[str, Any]:
        """Each picture is tested once, by a model that saw no picture of its fold. Ready for JSON."""
        said = np.full(len(self._samples), -1, dtype=np.int64)
        for fold in np.unique(folds):
            left_out = folds == fold
            part = self.train_without(left_out)
            tested = left_out[self._picture_of]
            said[tested] = predict(part, self._values[tested]).argmax(axis=1)
        originals = self._kind_of == SampleKind.ORIGINAL.value
        copies = np.isin(self._kind_of, (SampleKind.PHOTOGRAPHED.value, SampleKind.HARMLESS_PAINT.value))
        painted = self._kind_of == SampleKind.PAINTED_STYE.value
        pictures = summarise(self._label_of[originals], said[originals], CLASSES)
        of_painted = _share(said[painted] == self._label_of[painted])
        return {
            "pictures": pictures,
            "macro_recall_with_painted_styes": _macro_recall_with(pictures, of_painted),
            "recall_by_origin": self._by_origin(originals, said),
            "mistakes": self._mistakes(originals, said),
            "degraded_copies_of_the_same_pictures": {
                "note": "Reframed, blurred, noisy, badly lit and harmlessly painted copies, several per picture.",
                **summarise(self._label_of[copies], said[copies], CLASSES),
            },
            "painted_styes": {
                "note": "Painted, so no evidence of how well real styes are found.",
                "n": int(painted.sum()),
                "recall": of_painted,
            },
        }

    def test_by_origin(self, origins: Sequence[str]) -> dict[str, Any]:
        """Recall per class on each origin by a model that saw none of it. Ready for JSON."""
        result: dict[str, Any] = {}
        for origin in origins:
            left_out = np.array([picture.origin == origin for picture in self._pictures])
            part = self.train_without(left_out)
            tested = left_out[self._picture_of] & (self._kind_of == SampleKind.ORIGINAL.value)
            said = np.full(len(self._samples), -1, dtype=np.int64)
            said[tested] = predict(part, self._values[tested]).argmax(axis=1)
            left = np.bincount([picture.label for picture in self._pictures if picture.origin != origin])
            result[origin] = {
                name: {**recalls[origin], "pictures_left_to_learn_from": int(left[CLASSES.index(name)])}
                for name, recalls in self._by_origin(tested, said).items()
            }
        return result

    def _by_origin(self, chosen: Bools, said: npt.NDArray[np.int64]) -> dict[str, dict[str, dict[str, Any]]]:
        """Class -> origin -> n, recall and what the others were taken for."""
        result: dict[str, dict[str, dict[str, Any]]] = {}
        origin_of = np.array([self._pictures[index].origin for index in self._picture_of])
        for label, name in enumerate(CLASSES):
            of_class = chosen & (self._label_of == label)
            for origin in np.unique(origin_of[of_class]):
                answers = said[of_class & (origin_of == origin)]
                result.setdefault(name, {})[str(origin)] = {
                    "n": len(answers),
                    "recall": _share(answers == label),
                    "taken_for": {
                        other: int((answers == index).sum())
                        for index, other in enumerate(CLASSES)
                        if index != label and (answers == index).any()
                    },
                }
        return result

    def _mistakes(self, chosen: Bools, said: npt.NDArray[np.int64]) -> dict[str, list[str]]:
        """File names, by true and predicted class."""
        mistakes: dict[str, list[str]] = {}
        for index in np.flatnonzero(chosen & (said != self._label_of)):
            pair = f"{CLASSES[self._label_of[index]]} taken for {CLASSES[said[index]]}"
            mistakes.setdefault(pair, []).append(self._pictures[self._picture_of[index]].file.name)
        return mistakes


def _macro_recall_with(pictures: dict[str, Any], recall_of_painted_styes: float | None) -> float | None:
    """The mean recall if the few real styes are replaced by painted ones on pictures that were left out."""
    recalls = [figures["recall"] for name, figures in pictures["per_class"].items() if name != "Stye"]
    recalls.append(recall_of_painted_styes)
    return None if None in recalls else round(float(np.mean(recalls)), 4)


def _share(right: Bools) -> float | None:
    return round(float(right.mean()), 4) if len(right) else None
