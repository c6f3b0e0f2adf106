"""What the frozen part of the backbone makes of each sample, computed once and kept in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.core.types import RgbImage
from src.services.tensorflow_runtime import tf
from src.training import blob, camera, eye_opening, harmless_painter, samples, stye_painter
from src.training.network import CUT_LAYER, CUT_SHAPE, frozen_part
from src.training.pictures import LabelledPicture
from src.training.progress import Progress
from src.training.samples import Sample, render_samples

_BATCH = 32
_RECIPE_MODULES = (samples, camera, stye_painter, harmless_painter, eye_opening, blob)
"""When one of these changes, stored features are out of date."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """
    Attributes:
        samples: those that could be rendered.
        values: float16 (len(samples), 7, 7, 512).
    """

    samples: list[Sample]
    values: npt.NDArray[np.float16]


def compute_features(
    backbone: Any,
    backbone_hash: str,
    pictures: Sequence[LabelledPicture],
    planned: Sequence[Sample],
    cache_folder: Path,
) -> FeatureSet:
    """The features of all samples, from `cache_folder` if they were computed before."""
    cache = cache_folder / f"features_{_key(backbone_hash, pictures, planned)}.npy"
    kept_file = cache.with_suffix(".kept.npy")
    if cache.is_file() and kept_file.is_file():
        kept = np.load(kept_file)
        return FeatureSet([planned[index] for index in kept], np.load(cache))

    kept, values = _run_backbone(backbone, pictures, planned)
    cache_folder.mkdir(parents=True, exist_ok=True)
    np.save(cache, values)
    # Written last: its presence says that the features are complete.
    np.save(kept_file, kept)
    return FeatureSet([planned[index] for index in kept], values)


def _run_backbone(
    backbone: Any, pictures: Sequence[LabelledPicture], planned: Sequence[Sample]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float16]]:
    frozen = frozen_part(backbone)
    forward = tf.function(lambda batch: frozen(batch, training=False), reduce_retracing=True)
    values = np.empty((len(planned), *CUT_SHAPE), dtype=np.float16)
    kept: list[int] = []
    waiting: list[RgbImage] = []
    progress = Progress("features", len(planned))
    seen = 0

    def flush() -> None:
        batch = np.stack(waiting).astype(np.float32) / 255
        values[len(kept) - len(waiting) : len(kept)] = forward(tf.constant(batch)).numpy()
        waiting.clear()

    for index, rgb in render_samples(pictures, planned):
        kept.append(index)
        waiting.append(rgb)
        if len(waiting) == _BATCH:
            flush()
            progress.advance(index + 1 - seen)
            seen = index + 1
    if waiting:
        flush()
    progress.advance(len(planned) - seen)
    return np.array(kept, dtype=np.int64), values[: len(kept)]


def _key(backbone_hash: str, pictures: Sequence[LabelledPicture], planned: Sequence[Sample]) -> str:
    digest = hashlib.sha256(f"{backbone_hash} {CUT_LAYER}".encode())
    for module in _RECIPE_MODULES:
        digest.update(Path(str(module.__file__)).read_bytes())
    for picture in pictures:
        digest.update(f"{picture.file.parent.name}/{picture.file.name} {picture.file.stat().st_size}\n".encode())
    for sample in planned:
        digest.update(repr(sample).encode())
    return digest.hexdigest()[:16]
