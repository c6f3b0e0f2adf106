"""The samples as pictures: rendered once, by all cores, and kept in files from which an interrupted run goes on."""

from __future__ import annotations

import ast
import hashlib
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from src.services.eye_finder import FINDER_FILE
from src.utils.files import renamed_when_whole, sha256_of
from src.utils.progress import Progress
from training.data.pictures import LabelledPicture
from training.learning.samples import EVIDENCE_SIDE, Sample, render_samples

_PART = 256
"""Samples per file: what an interrupted run loses at most, for each core."""
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class RenderedSet:
    """The samples that could be rendered, as RGB uint8 (n, 224, 224, 3), and their evidence, uint8 (n, EVIDENCE_SIDE,
    EVIDENCE_SIDE), 255 where all of a place shows it, see `RenderedSample`; the key differs if anything that they come
    from differs.
    """

    samples: list[Sample]
    pictures: npt.NDArray[np.uint8]
    evidence: npt.NDArray[np.uint8]
    key: str


def render_all(
    pictures: Sequence[LabelledPicture],
    planned: Sequence[Sample],
    cache_folder: Path,
    hosts: Sequence[Path] = (),
    processes: int | None = None,
) -> RenderedSet:
    """All samples, by as many processes as there are cores; parts of an earlier run are not rendered again."""
    key = _key(pictures, planned, hosts)
    folder = cache_folder / f"rendered_{key}"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [(start, folder / f"part_{start:07d}.npz") for start in range(0, len(planned), _PART)]
    progress = Progress("samples rendered", len(planned))
    missing = [(start, file) for start, file in parts if not file.is_file()]
    progress.advance(len(planned) - sum(len(planned[start : start + _PART]) for start, _ in missing))
    count = min(processes or os.cpu_count() or 1, max(1, len(missing)))
    if count == 1:
        for start, file in missing:
            progress.advance(_render_part(pictures, planned[start : start + _PART], hosts, start, file))
    else:
        # Forked children would hang in TensorFlow's locks.
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
            tasks = [
                pool.submit(_render_part, pictures, planned[start : start + _PART], hosts, start, file)
                for start, file in missing
            ]
            for task in tasks:
                progress.advance(task.result())
    loaded = [_load(file) for _, file in parts]
    kept, rendered, evidence = (np.concatenate(arrays) for arrays in zip(*loaded, strict=True))
    return RenderedSet([planned[index] for index in kept], rendered, evidence, key)


def _render_part(
    pictures: Sequence[LabelledPicture], samples: Sequence[Sample], hosts: Sequence[Path], start: int, file: Path
) -> int:
    """Writes the file and returns how many samples it is of."""
    rendered = list(render_samples(pictures, samples, hosts))
    side = EVIDENCE_SIDE
    evidence = np.array([sample.evidence for sample in rendered], dtype=np.float32).reshape(-1, side, side)
    # It gets its name last: the name says that the part is complete.
    with renamed_when_whole(file) as unfinished:
        np.savez(
            unfinished,
            kept=np.array([start + sample.index for sample in rendered], dtype=np.int64),
            pictures=np.array([sample.picture for sample in rendered], dtype=np.uint8).reshape(-1, 224, 224, 3),
            evidence=np.rint(255 * evidence).astype(np.uint8),
        )
    return len(samples)


def _load(file: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    with np.load(file) as part:
        return part["kept"], part["pictures"], part["evidence"]


def _key(pictures: Sequence[LabelledPicture], planned: Sequence[Sample], hosts: Sequence[Path] = ()) -> str:
    digest = hashlib.sha256(f"{source_hash('training.learning.samples')} {sha256_of(FINDER_FILE)}".encode())
    for picture in pictures:
        digest.update(sha256_of(picture.file).encode())
    for host in hosts:
        digest.update(sha256_of(host).encode())
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
