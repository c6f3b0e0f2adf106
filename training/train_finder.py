"""The command that makes the eye finder: `python -m training.train_finder --data DIR`."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from src.config.settings import load_settings
from src.core.errors import StartupError
from src.services.assets import prepare_assets
from src.services.eye_finder import FINDER_FILE, SIDE, EyeFinder
from src.services.eye_locator import EyeLocator
from src.services.tensorflow_runtime import enable_memory_growth, tf
from src.utils.files import sha256_of, write_then_rename
from src.utils.progress import Progress
from training.arguments import at_least
from training.finder.fitting import Finder, fit
from training.finder.labels import LABELS, LEFT_OUT_ORIGINS, LabelledPhoto, left_out, load_photos
from training.finder.measure import count_found

_SHARES: Final = {
    "faces": 0.42,
    "eyes": 0.38,
    "closed_eyes": 0.04,
    "other_eye_conditions": 0.05,
    "not_an_eye": 0.1,
    "no_visible_eyes": 0.01,
}
"""Of the scenes drawn, by folder."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast: batches, scenes in each, Adam's rate, which falls along a cosine."""

    steps: int = 2400
    batch: int = 48
    learning_rate: float = 2e-3
    average_decay: float = 0.998


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains twice, without the photos to be measured on and with all; writes the weights, and a card beside them."""
    options = _parse(arguments)
    enable_memory_growth()
    recipe = Recipe(steps=options.steps, batch=options.batch)
    try:
        photos = load_photos(options.data, options.labels)
        settings, assets = load_settings(), prepare_assets()
    except (OSError, ValueError, StartupError) as problem:
        print(f"cannot start: {problem}", file=sys.stderr)
        return 2
    measured = left_out(photos)
    learnt = [photo for photo, out in zip(photos, measured, strict=True) if not out]
    tested = [photo for photo, out in zip(photos, measured, strict=True) if out]
    if not learnt or not tested:
        print("cannot start: there are no photos left to learn from, or none to measure on", file=sys.stderr)
        return 2
    of_the_rest = _stored(_trained(learnt, recipe, options, "measured"), options.cache / "measured.npz")
    locator = EyeLocator.from_settings(assets, settings, finder=EyeFinder(of_the_rest))
    counts = count_found(tested, locator, Progress("photos measured on", len(tested)).advance)
    shipped = _stored(_trained(photos, recipe, options, "shipped"), options.cache / "shipped.npz")
    card = {
        "file": options.out.name,
        "sha256": sha256_of(shipped),
        "input": f"grey, longest side {SIDE} px, mean 0 and deviation 1",
        "learnt_from": _described(photos),
        "measured_on": {**_described(tested), "origins": sorted(LEFT_OUT_ORIGINS)},
        "figures": {kind: count.as_dict() for kind, count in sorted(counts.items())},
        "figures_are_of": "the same recipe without the photos measured on, and of the whole search: dlib, Haar, finder",
        "recipe": {**asdict(recipe), "shares": _SHARES, "seed": options.seed},
        "labels_sha256": sha256_of(options.labels),
        "software": {"python": platform.python_version(), "tensorflow": tf.__version__},
        "limitations": _LIMITATIONS,
        "licence": "of the photographs: published without a photo licence; none is shipped",
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_then_rename(options.out, shipped.read_bytes())
    write_then_rename(options.out.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
    for kind, count in sorted(counts.items()):
        print(f"  {kind:20} {count.as_dict()}")
        print(f"    {' · '.join(count.missed[:20])}")
    return 0


_LIMITATIONS: Final = [
    "Outlines of faces are those of dlib's 68 landmarks, those of close-ups an earlier finder's, looked through and "
    "mended by hand; no physician has checked them.",
    "Which corner is the inner one was learnt from faces and from close-ups whose side was seen by eye.",
    "Eyes narrower than about 7 px of 160 are left to the face detectors.",
]


def _trained(photos: Sequence[LabelledPhoto], recipe: Recipe, options: argparse.Namespace, name: str) -> Finder:
    key = hashlib.sha256(f"{recipe} {_SHARES} {options.seed} {sha256_of(options.labels)} {_sources()}".encode())
    key.update("\n".join(photo.name for photo in photos).encode())
    progress = Progress(f"batches ({name})", recipe.steps)
    return fit(
        photos,
        _weights(photos),
        **asdict(recipe),
        seed=options.seed,
        checkpoints=options.cache / f"{name}_{key.hexdigest()[:16]}",
        on_step=lambda _loss: progress.advance(),
    )


def _sources() -> str:
    """What the training is made by: a checkpoint of another program is not gone on with."""
    files = sorted(Path(__file__).parent.glob("finder/*.py"))
    return " ".join(sha256_of(file) for file in files if file.name != "measure.py")


def _weights(photos: Sequence[LabelledPhoto]) -> npt.NDArray[np.float64]:
    """Within a folder each origin counts with the square root of its photos, and each photo of an origin alike."""
    folders = [photo.name.partition("/")[0] for photo in photos]
    per_origin = Counter((folder, photo.origin) for folder, photo in zip(folders, photos, strict=True))
    weights = np.array(
        [per_origin[folder, photo.origin] ** -0.5 for folder, photo in zip(folders, photos, strict=True)]
    )
    for folder in set(folders):
        own = np.array([other == folder for other in folders])
        weights[own] *= _SHARES.get(folder, 0.0) / weights[own].sum()
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _stored(finder: Finder, file: Path) -> Path:
    data = io.BytesIO()
    np.savez(data, **finder.folded())
    file.parent.mkdir(parents=True, exist_ok=True)
    write_then_rename(file, data.getvalue())
    return file


def _described(photos: Sequence[LabelledPhoto]) -> dict[str, Any]:
    return {
        "photos": dict(sorted(Counter(photo.name.partition("/")[0] for photo in photos).items())),
        "eyes": sum(not eye.uncertain for photo in photos for eye in photo.eyes),
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.train_finder",
        description="Trains the eye finder on the photos of a folder that the file of labels names.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with the folders of photos")
    add("--labels", type=Path, default=LABELS, help="where the eyes are in each")
    add("--out", type=Path, default=Path("build/finder") / FINDER_FILE.name, help="where the weights are written")
    add("--cache", type=Path, default=Path("build/finder"), help="folder from which a run goes on")
    add("--steps", type=at_least(1), default=Recipe().steps, help="batches")
    add("--batch", type=at_least(1), default=Recipe().batch, help="scenes in each")
    add("--seed", type=int, default=0, help="of everything random")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
