"""What the frozen part of the backbone makes of each sample, computed once and kept in a file."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.eye_finder import FINDER_FILE
from src.services.tensorflow_runtime import tf
from src.utils.files import renamed_when_whole, sha256_of
from src.utils.progress import Progress
from training.data.pictures import LabelledPicture
from training.learning.network import CUT_LAYER, CUT_SHAPE, frozen_part
from training.learning.samples import Sample, render_samples

_BATCH = 32
_PART = 512
"""Samples per file: what an interrupted run loses at most."""
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The samples that could be rendered, their values, float16 (n, 7, 7, 512), and evidence, float16 (n, 7, 7), see
    `RenderedSample`; the key differs if anything that the features come from differs.
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
    # It gets its name last: the name says that the part is complete.
    with renamed_when_whole(file) as unfinished:
        np.savez(
            unfinished,
            kept=np.array([start + sample.index for sample in rendered], dtype=np.int64),
            values=values,
            evidence=np.array([sample.evidence for sample in rendered], dtype=np.float16).reshape(-1, *CUT_SHAPE[:2]),
        )


def _key(backbone_hash: str, pictures: Sequence[LabelledPicture], planned: Sequence[Sample]) -> str:
    digest = hashlib.sha256(f"{backbone_hash} {CUT_LAYER} {source_hash(__name__)} {sha256_of(FINDER_FILE)}".encode())
    for picture in pictures:
        digest.update(sha256_of(picture.file).encode())
    for sample in planned:
        digest.update(repr(sample).encode())
    return digest.hexdigest()[:16]


def source_hash(module: str, root: Path = _ROOT) -> str:
    """A hash of the source of a module of ours and of every module of ours that it imports, directly or through others.

    What is kept under this hash is computed again when any of them has changed. `root` has our packages.
    """
    sources: dict[Path, bytes] = {}
    waiting = _files_of([module], root)
    while waiting:
        file = waiting.pop()
        if file not in sources:
            sources[file] = file.read_bytes()
            waiting += _files_of(_imported(ast.parse(sources[file])), root)
    digest = hashlib.sha256()
    for file in sorted(sources):
        digest.update(f"{file.relative_to(root).as_posix()} {hashlib.sha256(sources[file]).hexdigest()}\n".encode())
    return digest.hexdigest()


def _imported(tree: ast.Module) -> Iterator[str]:
    """Full names of modules, and of what is taken from them: that may be a module, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (name for alias in node.names for name in (f"{node.module}.{alias.name}", str(node.module)))


def _files_of(modules: Iterable[str], root: Path) -> list[Path]:
    files = (root / f"{module.replace('.', '/')}.py" for module in modules)
    return [file for file in files if file.is_file()]
