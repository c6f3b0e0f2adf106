"""The network: loaded once per process, one forward pass per crop for scores and heatmaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from src.config.settings import MOST_EYES_PER_PASS, Settings
from src.core.errors import StartupError
from src.core.types import EyePrediction, Floats, ModelInfo, RgbImage
from src.services.forward_pass import DescribedLayerError, HeadError, compile_forward_pass
from src.services.frozen_graph import freeze
from src.services.grad_cam import scale_heatmap
from src.services.model_file import FamiliarityCheck, ModelCard, card_path_of, read_model_card
from src.services.model_gate import open_model_file
from src.services.model_layers import OTHERWISE
from src.services.tensorflow_runtime import (
    choose_precision,
    device_name,
    eyes_per_pass,
    has_gpu,
    keras,
    tf,
    use_precision,
)
from src.utils.files import sha256_of

# What a layer may give per picture, and what layers may have beside the weights in the file.
_MOST_NUMBERS_OF_A_LAYER, _SPARE_WEIGHTS = 64 * 1024**2, 1024**2


class EyeClassifier:
    """Classifies eye crops. Safe to call from many threads at once: they share one compiled function."""

    def __init__(
        self,
        model_name: str,
        model_path: Path,
        classes: Sequence[str],
        grad_cam_layer: str,
        *,
        precision: str = "auto",
        warm_up_to: int = 1,
    ) -> None:
        """Loads the Keras .h5 and the card beside it, checks both, and answers grey crops so that the first request
        finds them warm: as many at once as `classify` will usually get at most. `classes` are those of the outputs.

        Raises:
            StartupError: the file is missing or not a Keras .h5, does not fit CLASSES, GRAD_CAM_LAYER or its card, the
                card is broken, or the device does not have the precision.
        """
        model = _load(model_path)
        self.input_side = _input_side(model)
        sha256 = sha256_of(model_path)
        card = read_model_card(model_path, sha256)
        _check_classes(model, classes, card.classes)
        self._familiarity = card.familiarity
        self._knows_others = card.other_condition is not None
        self.card = card
        self._forward = _compile(model, grad_cam_layer, self.input_side, card, card_path_of(model_path))
        precision = choose_precision(precision, bfloat16_agrees=card.bfloat16_agrees)
        use_precision(precision)
        self.info = ModelInfo(
            name=model_name,
            sha256=sha256,
            classes=tuple(classes),
            grad_cam_layer=grad_cam_layer,
            device=device_name(),
            tensorflow=tf.__version__,
            calibrated=card.calibrated,
            precision=precision,
        )
        # A GPU takes seconds to prepare kernels for a batch size: there, batches are filled up to one of a few sizes.
        self._pads = has_gpu()
        grey = np.full((self.input_side, self.input_side, 3), 128, np.uint8)
        for batch in _powers_of_two(min(warm_up_to, MOST_EYES_PER_PASS)):
            self.classify([grey] * batch)

    @classmethod
    def from_settings(cls, settings: Settings) -> EyeClassifier:
        """The model that the settings name; see `__init__` for what may be wrong with it."""
        return cls(
            settings.model_name,
            settings.model_path,
            settings.classes,
            settings.grad_cam_layer,
            precision=settings.inference_precision,
            warm_up_to=eyes_per_pass(settings),
        )

    def classify(self, crops: Sequence[RgbImage]) -> list[EyePrediction]:
        """Scores, heatmaps and what the card's checks find of all crops (see `to_network_input`), in their order."""
        predictions: list[EyePrediction] = []
        for start in range(0, len(crops), MOST_EYES_PER_PASS):
            batch = np.stack(crops[start : start + MOST_EYES_PER_PASS])
            probabilities, maps, *more = self._pass(batch)
            others = more.pop().tolist() if self._knows_others else [None] * len(batch)
            strangeness = _unfamiliarity(self._familiarity, more, len(batch))
            predictions.extend(
                EyePrediction(of_classes, tuple(scale_heatmap(raw) for raw in crop_maps), unfamiliarity, other)
                for of_classes, crop_maps, unfamiliarity, other in zip(
                    probabilities, maps, strangeness, others, strict=True
                )
            )
        return predictions

    def _pass(self, batch: RgbImage) -> list[Floats]:
        size = _powers_of_two(len(batch))[-1] if self._pads else len(batch)
        padding = np.repeat(batch[-1:], size - len(batch), axis=0)
        outputs = self._forward(tf.constant(np.concatenate([batch, padding])))
        return [output.numpy()[: len(batch)] for output in outputs]


def _powers_of_two(count: int) -> list[int]:
    """1, 2, 4 and so on, up to the first that is not less than `count`."""
    return [1 << exponent for exponent in range((count - 1).bit_length() + 1)]


def _load(model_path: Path) -> Any:
    # The open file and not its name: by that, Keras would take other formats, too, which nobody has looked into.
    with open_model_file(model_path) as model:
        try:
            with _weights_at_most(model.weights):
                loaded = keras.models.load_model(model.file, compile=False)
        except Exception as error:
            # Keras raises whatever its HDF5 and layer code happens to raise; for the operator it is one thing.
            raise StartupError(
                f"MODEL_PATH is wrong: {model_path} cannot be loaded as a Keras 2 .h5 model ({type(error).__name__}): "
                f"its layers and its weights do not fit together. {OTHERWISE}."
            ) from error
    _check_size(loaded)
    return loaded


@contextmanager
def _weights_at_most(count: int) -> Iterator[None]:
    """Builds no layers with many more weights than the file has: their memory is taken before the file's are read."""
    layer, built = keras.layers.Layer, 0
    original = layer.add_weight

    def add_weight(self: Any, name: Any = None, shape: Any = None, *arguments: Any, **options: Any) -> Any:
        nonlocal built
        built += tf.TensorShape(() if shape is None else shape).num_elements() or 0
        if built > count + _SPARE_WEIGHTS:
            raise ValueError(f"more than {count} weights")
        return original(self, name, shape, *arguments, **options)

    layer.add_weight = add_weight
    try:
        yield
    finally:
        layer.add_weight = original


def _check_size(model: Any) -> None:
    for layer in model.submodules:
        for output in tf.nest.flatten(getattr(layer, "output", [])):
            size = np.prod([side or 1 for side in output.shape], dtype=float)
            if size > _MOST_NUMBERS_OF_A_LAYER:
                raise StartupError(
                    f"MODEL_PATH is wrong: the layer {layer.name} gives {size:,.0f} numbers per picture, more than the "
                    f"{_MOST_NUMBERS_OF_A_LAYER:,} that this service computes. Use a smaller network."
                )


def _input_side(model: Any) -> int:
    """The side of the square that the model takes, in pixels."""
    shape = tuple(model.input_shape)
    if len(shape) != 4 or shape[1] is None or shape[1] != shape[2] or shape[3] != 3:
        raise StartupError(f"MODEL_PATH is wrong: the model takes {shape}, not a square RGB picture.")
    return int(shape[1])


def _check_classes(model: Any, classes: Sequence[str], card_classes: tuple[str, ...] | None) -> None:
    width = model.output_shape[-1]
    if width != len(classes):
        raise StartupError(f"CLASSES is wrong: it names {len(classes)} classes, the model has {width} outputs.")
    if card_classes is not None and card_classes != tuple(classes):
        raise StartupError(f"CLASSES is wrong: the model's card says {','.join(card_classes)}, in this order.")


def _compile(model: Any, grad_cam_layer: str, side: int, card: ModelCard, card_path: Path) -> Any:
    familiarity = card.familiarity
    try:
        described_layer = None if familiarity is None else familiarity.layer
        head = None if card.other_condition is None else card.other_condition.head
        forward = compile_forward_pass(model, grad_cam_layer, side, card.temperature, described_layer, head)
        if familiarity is not None:
            _check_statistics(familiarity, int(forward.structured_outputs[2].shape[1]))
    except DescribedLayerError as error:
        raise StartupError(f"{card_path} is wrong: familiarity: {error}.") from None
    except HeadError as error:
        raise StartupError(f"{card_path} is wrong: other_condition: {error}.") from None
    return freeze(forward)


def _check_statistics(familiarity: FamiliarityCheck, descriptor_size: int) -> None:
    measures = len(familiarity.statistics.mean)
    if measures != descriptor_size:
        raise DescribedLayerError(
            f"the statistics are of {measures} measures, the layer {familiarity.layer} gives {descriptor_size}"
        )


def _unfamiliarity(
    familiarity: FamiliarityCheck | None, descriptors: list[Floats], count: int
) -> Sequence[float | None]:
    if familiarity is None:
        return [None] * count
    values: list[float | None] = familiarity.statistics.unfamiliarity(descriptors[0]).tolist()
    return values
