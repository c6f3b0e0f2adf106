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

from src.services.tensorflow_runtime import keras, tf
from src.utils.files import renamed_when_whole
from src.utils.progress import Progress
from training.data.pictures import LabelledPicture, is_doubtful
from training.learning.fitting import FitRecipe, Fitting, predict
from training.learning.network import save_network
from training.learning.rendering import RenderedSet, source_hash
from training.learning.samples import NATURAL, SampleKind
from training.learning.training_set import TrainingSet, sampling_weights
from training.learning.views import Backbone, ViewSet, make_views

Bools = npt.NDArray[np.bool_]

DESCRIBED = NATURAL | {SampleKind.TRANSPLANTED}
"""Those by which it is told whether an eye is familiar: as people and cameras show eyes, without paint."""

_BATCH = 32
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


def describe(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Descriptors (n, 2 x channels) of a layer's outputs (n, height, width, channels), as the service makes them to say
    how familiar an eye is: see `src.services.familiarity`.
    """
    values = values.astype(np.float32)
    return np.concatenate([values.mean(axis=(1, 2)), values.std(axis=(1, 2))], axis=1)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A Keras .h5, the indices of the samples of the pictures that were left out, but for those in other faces, and
    their probabilities, float32 (len(tested), classes).
    """

    file: Path
    tested: npt.NDArray[np.int64]
    said: npt.NDArray[np.float32]


class Trainer:
    """The recipe, the samples, and a folder for what they give."""

    def __init__(
        self,
        build: Callable[[], Any],
        backbone_weights: Sequence[npt.NDArray[np.float32]],
        pictures: Sequence[LabelledPicture],
        rendered: RenderedSet,
        recipe: FitRecipe,
        seed: int,
        folder: Path,
        precision: Precision = FULL_PRECISION,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        """Each model is built anew, and its backbone begins with those weights; the folder takes models,
        views and checkpoints, and the precision is that in which the graphs that are made now multiply.
        """
        self._build = build
        self._backbone = Backbone(build, backbone_weights, recipe.frozen_up_to)
        self._pictures = pictures
        self._rendered = rendered
        self._recipe = recipe
        self._seed = seed
        self._folder = folder
        self._precision = precision
        self._on_step = on_step
        self._picture_of = np.array([sample.picture for sample in rendered.samples])
        labels = np.array([sample.label for sample in rendered.samples], dtype=np.int64)
        self._labels = labels
        self._views: ViewSet | None = None

    def model_without(self, left_out: Bools) -> TrainedModel:
        """A model that saw no sample of the pictures for which `left_out` (one per picture) is True."""
        key = self._key(left_out)
        file, said_file = self._folder / f"model_{key}.h5", self._folder / f"model_{key}.npy"
        moved = np.array([sample.kind is SampleKind.TRANSPLANTED for sample in self._rendered.samples])
        tested = np.flatnonzero(left_out[self._picture_of] & ~moved)
        if said_file.is_file() and file.is_file():
            for _ in range(self._recipe.all_steps):
                self._on_step()
            return TrainedModel(file, tested, np.load(said_file))

        self._folder.mkdir(parents=True, exist_ok=True)
        checkpoints = self._folder / f"unfinished_{key}"
        keras.utils.set_random_seed(self._seed)
        network = self._build()
        network.get_layer("densenet121").set_weights(self._backbone.weights)
        fitting = Fitting(network, self._recipe, self._seed, self._precision.loss_scale)
        fitting.run(TrainingSet(self._all_views(), self._labels), self._weights(left_out), checkpoints, self._on_step)
        save_network(network, file)
        said = predict(network, self._rendered, tested)
        # Written last: it says that the model is complete.
        with renamed_when_whole(said_file) as unfinished:
            np.save(unfinished, said)
        shutil.rmtree(checkpoints, ignore_errors=True)
        return TrainedModel(file, tested, said)

    @property
    def described_layer(self) -> str:
        """By which eyes are compared: its weights are ImageNet's, which know more than eyes."""
        return f"densenet121/{self._recipe.frozen_up_to}"

    def descriptors(self) -> npt.NDArray[np.float32]:
        """Of every sample that is `DESCRIBED`, what `describe` says of the layer up to which the backbone is frozen,
        and which is therefore the same for all models (samples, measures); 0 for the others.
        """
        file = self._folder / f"descriptors_{self._recipe.frozen_up_to}_{self._key(np.zeros(0, np.bool_))}.npy"
        if file.is_file():
            return np.asarray(np.load(file), np.float32)
        self._folder.mkdir(parents=True, exist_ok=True)
        frozen = self._backbone.frozen_part()
        described = [i for i, sample in enumerate(self._rendered.samples) if sample.kind in DESCRIBED]
        descriptors = np.zeros((len(self._rendered.samples), 2 * frozen.output_shape[-1]), np.float32)
        progress = Progress("samples described", len(described))
        for start in range(0, len(described), _BATCH):
            rows = described[start : start + _BATCH]
            descriptors[rows] = describe(
                frozen.predict_on_batch(self._rendered.pictures[rows].astype(np.float32) / 255)
            )
            progress.advance(len(rows))
        with renamed_when_whole(file) as unfinished:
            np.save(unfinished, descriptors)
        return descriptors

    def labels(self, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Class indices of these samples."""
        return self._labels[samples]

    def is_original(self, samples: npt.NDArray[np.int64]) -> Bools:
        """Which of these samples are pictures as they are, not copies."""
        return np.array(
            [self._rendered.samples[index].kind is SampleKind.ORIGINAL for index in samples], dtype=np.bool_
        )

    def _all_views(self) -> ViewSet:
        """Drawn as for a model of all pictures; each model learns from those whose pictures it may see."""
        if self._views is None:
            everything = self._weights(np.zeros(len(self._pictures), dtype=np.bool_))
            count = self._recipe.views
            self._views = make_views(self._rendered, everything, count, self._seed, self._backbone, self._folder)
        return self._views

    def _weights(self, left_out: Bools) -> npt.NDArray[np.float64]:
        """The probability of each sample to be drawn."""
        shown = ~left_out & ~np.array([is_doubtful(picture) for picture in self._pictures])
        return sampling_weights(self._rendered.samples, self._pictures, shown[self._picture_of])

    def _key(self, left_out: Bools) -> str:
        recipe = f"{self._rendered.key} {source_hash(__name__)} {self._recipe} {self._seed} {self._precision}"
        digest = hashlib.sha256(recipe.encode())
        for weights in self._backbone.weights:
            digest.update(weights.tobytes())
        for picture in self._pictures:
            # What the weights of its samples come from, which is data and in no source.
            digest.update(f"{picture.label} {picture.origin} {picture.group} {is_doubtful(picture)}\n".encode())
        digest.update(left_out.tobytes())
        return digest.hexdigest()[:16]
