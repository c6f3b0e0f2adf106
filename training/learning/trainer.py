"""Trains one model per set of pictures that is left out; what was trained before is not trained again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import tf
from src.utils.files import renamed_when_whole
from training.data.pictures import LabelledPicture, is_doubtful
from training.learning.features import FeatureSet, source_hash
from training.learning.fitting import FitRecipe, Fitting, predict
from training.learning.network import install_trained_part, save_network
from training.learning.samples import SampleKind
from training.learning.training_set import TrainingSet, sampling_weights

Bools = npt.NDArray[np.bool_]

_KEPT_ASIDE_SHARE = 0.1
"""Of the groups, if the fit may stop early."""
_FLOAT16_LOSS_SCALE = 1024.0


@dataclass(frozen=True, slots=True)
class Precision:
    """The type of multiplications, and the factor by which a loss has to be scaled so that small gradients survive:
    float16 on a GPU has few exponents; bfloat16 on a CPU (oneDNN, fast from AVX-512 BF16 on) has as many as float32.
    """

    multiplications: str = "float32"
    loss_scale: float = 1.0


FULL_PRECISION = Precision()


def enable_mixed_precision() -> Precision:
    """Lets TensorFlow rewrite the graphs that are made from now on; weights stay float32."""
    if tf.config.list_physical_devices("GPU"):
        tf.config.optimizer.set_experimental_options({"auto_mixed_precision": True})
        return Precision("float16", _FLOAT16_LOSS_SCALE)
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": True})
    return Precision("bfloat16")


def disable_mixed_precision() -> None:
    """Takes it back for the graphs that are made after this."""
    tf.config.optimizer.set_experimental_options(
        {"auto_mixed_precision": False, "auto_mixed_precision_onednn_bfloat16": False}
    )


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A Keras .h5, the indices of the samples of the pictures that were left out, and their probabilities, float32
    (len(tested), classes).
    """

    file: Path
    tested: npt.NDArray[np.int64]
    said: npt.NDArray[np.float32]


class Trainer:
    """The recipe, the samples, and a folder for what they give."""

    def __init__(
        self,
        whole_network: Any,
        pictures: Sequence[LabelledPicture],
        features: FeatureSet,
        recipe: FitRecipe,
        seed: int,
        folder: Path,
        precision: Precision = FULL_PRECISION,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        """The network has the backbone's weights to begin from, the folder takes models and checkpoints, and the
        precision is that in which the graphs that are made now multiply.
        """
        self._network = whole_network
        self._backbone = whole_network.get_layer("densenet121")
        self._begin = self._backbone.get_weights()
        self._pictures = pictures
        self._features = features
        self._recipe = recipe
        self._seed = seed
        self._folder = folder
        self._precision = precision
        self._on_step = on_step
        self._picture_of = np.array([sample.picture for sample in features.samples])
        labels = np.array([sample.label for sample in features.samples], dtype=np.int64)
        self._training_set = TrainingSet(features.values, labels, features.evidence)

    def model_without(self, left_out: Bools) -> TrainedModel:
        """A model that saw no sample of the pictures for which `left_out` (one per picture) is True."""
        key = self._key(left_out)
        file, said_file = self._folder / f"model_{key}.h5", self._folder / f"model_{key}.npy"
        tested = np.flatnonzero(left_out[self._picture_of])
        if said_file.is_file() and file.is_file():
            for _ in range(self._recipe.all_steps):
                self._on_step()
            return TrainedModel(file, tested, np.load(said_file))

        self._folder.mkdir(parents=True, exist_ok=True)
        checkpoints = self._folder / f"unfinished_{key}"
        weights, kept_aside = self._weights(left_out)
        self._backbone.set_weights(self._begin)
        fit = Fitting(self._backbone, self._recipe, self._seed, self._precision.loss_scale)
        part = fit.run(self._training_set, weights, kept_aside, checkpoints, self._on_step)
        install_trained_part(self._network, part)
        save_network(self._network, file)
        said = predict(part, self._features.values, tested)
        # Written last: it says that the model is complete.
        with renamed_when_whole(said_file) as unfinished:
            np.save(unfinished, said)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return TrainedModel(file, tested, said)

    def labels(self, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Class indices of these samples."""
        return self._training_set.labels[samples]

    def is_original(self, samples: npt.NDArray[np.int64]) -> Bools:
        """Which of these samples are pictures as they are, not copies."""
        return np.array(
            [self._features.samples[index].kind is SampleKind.ORIGINAL for index in samples], dtype=np.bool_
        )

    def _weights(self, left_out: Bools) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64] | None]:
        """The probability of each sample to be drawn, and the samples kept aside to stop early, if that is wanted."""
        shown = ~left_out & ~np.array([is_doubtful(picture) for picture in self._pictures])
        kept_aside = None
        if self._recipe.patience:
            rng = np.random.default_rng(self._seed)
            groups = sorted({picture.group for picture in self._pictures})
            aside = {group for group in groups if rng.random() < _KEPT_ASIDE_SHARE}
            is_aside = np.array([picture.group in aside for picture in self._pictures])
            found = np.flatnonzero((shown & is_aside)[self._picture_of])
            kept_aside = found if len(found) else None
            shown &= ~is_aside
        return sampling_weights(self._features.samples, self._pictures, shown[self._picture_of]), kept_aside

    def _key(self, left_out: Bools) -> str:
        recipe = f"{self._features.key} {source_hash(__name__)} {self._recipe} {self._seed} {self._precision}"
        digest = hashlib.sha256(recipe.encode())
        for picture in self._pictures:
            # What the weights of its samples come from, which is data and in no source.
            digest.update(f"{picture.label} {picture.origin} {picture.group} {is_doubtful(picture)}\n".encode())
        digest.update(left_out.tobytes())
        return digest.hexdigest()[:16]
