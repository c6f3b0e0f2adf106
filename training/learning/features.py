"""What the frozen part of the backbone makes of each sample, computed once and kept in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import tf
from src.utils.progress import Progress
from training.data.pictures import LabelledPicture
from training.learning import samples
from training.learning.network import CUT_LAYER, CUT_SHAPE, frozen_part
from training.learning.samples import Sample, render_samples
from training.painting import blob, camera, evidence, eye_opening, harmless_painter, stye_painter

_BATCH = 32
_PART = 512
"""Samples per file: what an interrupted run loses at most."""
_RECIPE_MODULES = (samples, camera, stye_painter, harmless_painter, evidence, eye_opening, blob)
"""When one of these changes, stored features are out of date."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """
    Attributes:
        samples: those that could be rendered.
        values: float16 (len(samples), 7, 7, 512).
        evidence: float16 (len(samples), 7, 7), see `RenderedSample`.
        key: differs if anything that the features come from differs.
    """

    samples: list[Sample]
    values: npt.NDArray[np.float16]
    evidence: npt.NDArray[np.float16]
    key: str


def compute_features(
    backbone: Any,
    backbone_hash: str,
    pictures: Sequence[LabelledPicture],
    planned: Sequence[Sample],
    cache_folder: Path,
) -> FeatureSet:
    """The features of all samples; parts that are in `cache_folder` from an earlier run are not computed again."""
    key = _key(backbone_hash, pictures, planned)
    folder = cache_folder / f"features_{key}"
    folder.mkdir(parents=True, exist_ok=True)
    frozen = frozen_part(backbone)
    forward = tf.function(lambda batch: frozen(batch, training=False), reduce_retracing=True)
    progress = Progress("features", len(planned))
    parts = []
    for start in range(0, len(planned), _PART):
        file = folder / f"part_{start:07d}.npz"
        if not file.is_file():
            _compute_part(forward, pictures, planned, start, file)
        with np.load(file) as part:
            parts.append((part["kept"], part["values"], part["evidence"]))
        progress.advance(min(_PART, len(planned) - start))
    kept, values, evidence = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return FeatureSet([planned[index] for index in kept], values, evidence, key)


def _compute_part(
    forward: Any, pictures: Sequence[LabelledPicture], planned: Sequence[Sample], start: int, file: Path
) -> None:
    rendered = list(render_samples(pictures, planned[start : start + _PART]))
    values = np.empty((len(rendered), *CUT_SHAPE), dtype=np.float16)
    for first in range(0, len(rendered), _BATCH):
        batch = np.stack([sample.picture for sample in rendered[first : first + _BATCH]])
        values[first : first + _BATCH] = forward(tf.constant(batch, tf.float32) / 255).numpy()
    unfinished = file.with_name(f"unfinished_{file.name}")
    np.savez(
        unfinished,
        kept=np.array([start + sample.index for sample in rendered], dtype=np.int64),
        values=values,
        evidence=np.array([sample.evidence for sample in rendered], dtype=np.float16).reshape(-1, *CUT_SHAPE[:2]),
    )
    # Renamed last: the name says that the part is complete.
    unfinished.replace(file)


def _key(backbone_hash: str, pictures: Sequence[LabelledPicture], planned: Sequence[Sample]) -> str:
    digest = hashlib.sha256(f"{backbone_hash} {CUT_LAYER}".encode())
    for module in _RECIPE_MODULES:
        digest.update(Path(str(module.__file__)).read_bytes())
    for picture in pictures:
        digest.update(f"{picture.file.parent.name}/{picture.file.name} {picture.file.stat().st_size}\n".encode())
    for sample in planned:
        digest.update(repr(sample).encode())
    return digest.hexdigest()[:16]
