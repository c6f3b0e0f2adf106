"""Models that have forgotten what they learned, to see whether their heatmaps forget it, too.

A heatmap that stays as it was shows edges of the picture, not reasons of the model. Adebayo et al., "Sanity checks for
saliency maps", NeurIPS 2018.
"""

from __future__ import annotations

import json
import shutil
from enum import Enum
from pathlib import Path
from typing import Any

import h5py
import numpy as np

_NESTED_MODELS = {"Functional", "Model", "Sequential"}


class ShuffledPart(str, Enum):
    """From the output downwards, as the paper goes."""

    LAST_LAYER = "last_layer"
    HEAD = "head"
    EVERYTHING = "everything"


def save_shuffled(model_file: Path, part: ShuffledPart, seed: int, target: Path) -> None:
    """Writes a copy of a Keras .h5 with the weights of that part shuffled, each tensor within itself.

    Shuffling, unlike drawing new weights, keeps the size of what flows through the network; only the order, which is
    what was learned, is gone. The head is everything outside of the backbone.
    """
    shutil.copyfile(model_file, target)
    rng = np.random.default_rng(seed)
    with h5py.File(target, "r+") as file:
        for name in _layers(json.loads(file.attrs["model_config"]), part):
            for dataset in _datasets(file["model_weights"][name]):
                dataset[...] = rng.permuted(dataset[...], axis=None)


def _layers(model_config: dict[str, Any], part: ShuffledPart) -> list[str]:
    layers = model_config["config"]["layers"]
    if part is ShuffledPart.LAST_LAYER:
        layers = layers[-1:]
    elif part is ShuffledPart.HEAD:
        layers = [layer for layer in layers if layer["class_name"] not in _NESTED_MODELS]
    return [layer["config"]["name"] for layer in layers]


def _datasets(group: Any) -> list[Any]:
    found: list[Any] = []
    group.visititems(lambda _name, entry: found.append(entry) if isinstance(entry, h5py.Dataset) else None)
    return found
