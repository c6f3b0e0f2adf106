"""What the frozen part of the backbone makes of the samples, augmented: looked at once, learnt from by every model.

The frozen part costs as much as the rest of a step, and gives every model of a validation the same.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import keras, run_each_pass_on_one_core, tf
from src.utils.files import renamed_when_whole
from src.utils.progress import Progress
from training.learning.augmentation import augmented
from training.learning.network import CLASSES, MAP_SIDE
from training.learning.rendering import RenderedSet, source_hash

_PART = 256
"""Views per file: what an interrupted run loses at most, for each core."""
_BATCH = 8
_STYE = CLASSES.index("Stye")


@dataclass(frozen=True, slots=True)
class Backbone:
    """Builds the network, the weights that its backbone begins with, and the layer up to which they stay."""

    build: Callable[[], Any]
    weights: Sequence[npt.NDArray[np.float32]]
    frozen_up_to: str

    def frozen_part(self) -> Any:
        """Pictures float32 (n, 224, 224, 3), 0-1, to features."""
        backbone = self.build().get_layer("densenet121")
        backbone.set_weights(self.weights)
        return keras.Model(backbone.input, backbone.get_layer(self.frozen_up_to).output)


@dataclass(frozen=True, slots=True)
class ViewSet:
    """Samples as they were drawn: the rows of the rendered set that they are of (n), and files of their features,
    float16 (256, height, width, channels), and of their evidence, 0-1, float32 (256, MAP_SIDE, MAP_SIDE).
    """

    rows: npt.NDArray[np.int64]
    features: list[npt.NDArray[np.float16]]
    evidence: list[npt.NDArray[np.float32]]

    def at(self, views: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Features and evidence of these views, float32."""
        places = [divmod(int(view), _PART) for view in views]
        features = np.stack([self.features[part][place] for part, place in places])
        return features.astype(np.float32), np.stack([self.evidence[part][place] for part, place in places])


def make_views(
    rendered: RenderedSet,
    weights: npt.NDArray[np.float64],
    count: int,
    seed: int,
    backbone: Backbone,
    cache_folder: Path,
    processes: int | None = None,
) -> ViewSet:
    """So many views by as many processes as there are cores, each of a sample drawn with its probability in `weights`
    and augmented anew; parts of an earlier run are not made again.
    """
    rows = np.random.default_rng(seed).choice(len(weights), size=count, p=weights)
    folder = cache_folder / f"views_{_key(rendered, rows, seed, backbone)}"
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, count, _PART)
    # The file of the evidence is written last: it says that the part is complete.
    missing = [start for start in starts if not _files(folder, start)[1].is_file()]
    progress = Progress("samples seen by the frozen layers", count)
    progress.advance(count - sum(len(rows[start : start + _PART]) for start in missing))
    processes = min(processes or os.cpu_count() or 1, len(missing))
    if processes > 0:
        # Forked children would hang in TensorFlow's locks.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, context, _begin, (backbone, processes > 1)) as pool:
            tasks = []
            for start in missing:
                own = rows[start : start + _PART]
                may_come_nearer = [_may_come_nearer(rendered, row) for row in own]
                pictures, evidence = rendered.pictures[own], rendered.evidence[own]
                tasks.append(pool.submit(_make_part, pictures, evidence, may_come_nearer, seed, start, folder))
            for task in tasks:
                progress.advance(task.result())
    files = [_files(folder, start) for start in starts]
    return ViewSet(rows, [np.load(seen, mmap_mode="r") for seen, _ in files], [np.load(shown) for _, shown in files])


def _may_come_nearer(rendered: RenderedSet, row: int) -> bool:
    """A stye whose place is not known might be cut away; all others show by their evidence, or everywhere."""
    return bool(rendered.samples[row].label != _STYE or rendered.evidence[row].any())


_worker: dict[str, Any] = {}


def _begin(backbone: Backbone, among_others: bool) -> None:
    """In each process, once."""
    if among_others:
        run_each_pass_on_one_core()
    model = backbone.frozen_part()
    _worker["frozen_part"] = tf.function(lambda pictures: model(pictures, training=False), reduce_retracing=True)


def _make_part(
    pictures: npt.NDArray[np.uint8],
    evidence: npt.NDArray[np.uint8],
    may_come_nearer: Sequence[bool],
    seed: int,
    start: int,
    folder: Path,
) -> int:
    features, shown = [], []
    for first in range(0, len(pictures), _BATCH):
        views = []
        for place in range(first, min(first + _BATCH, len(pictures))):
            rng = np.random.default_rng([seed, start + place])
            view, moved = augmented(pictures[place], evidence[place], rng, may_come_nearer=may_come_nearer[place])
            views.append(view)
            shown.append(cv2.resize(moved, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA))
        features.append(_worker["frozen_part"](tf.constant(np.stack(views))).numpy().astype(np.float16))
    for file, array in zip(_files(folder, start), (np.concatenate(features), np.stack(shown)), strict=True):
        with renamed_when_whole(file) as unfinished:
            np.save(unfinished, array)
    return len(pictures)


def _files(folder: Path, start: int) -> tuple[Path, Path]:
    return folder / f"features_{start:07d}.npy", folder / f"evidence_{start:07d}.npy"


def _key(rendered: RenderedSet, rows: npt.NDArray[np.int64], seed: int, backbone: Backbone) -> str:
    known = f"{rendered.key} {source_hash(__name__)} {seed} {backbone.frozen_up_to}"
    digest = hashlib.sha256(known.encode() + rows.tobytes())
    for weights in backbone.weights:
        digest.update(weights.tobytes())
    return digest.hexdigest()[:16]
