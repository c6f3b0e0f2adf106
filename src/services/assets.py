"""Puts the cascades and the 68-landmark file where the specification expects them, out of the installed packages.

`python -m src.services.assets` does it once, for images whose file system is read-only later.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from src.config.settings import ASSETS_DIR
from src.core.errors import StartupError
from src.utils.files import renamed_when_whole


@dataclass(frozen=True, slots=True)
class Assets:
    """Files that detection needs."""

    face_cascade: Path
    eye_cascade: Path
    landmarks: Path


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a package keeps a file, and where we want it."""

    package: str
    inside: str
    distribution: str
    target: str


_FACE_CASCADE = _Source(
    "cv2",
    "data/haarcascade_frontalface_default.xml",
    "opencv-python-headless",
    "cascades/haarcascade_frontalface_default.xml",
)
_EYE_CASCADE = _Source("cv2", "data/haarcascade_eye.xml", "opencv-python-headless", "cascades/haarcascade_eye.xml")
_LANDMARKS = _Source(
    "face_recognition_models",
    "models/shape_predictor_68_face_landmarks.dat",
    "face-recognition-models",
    "shape_predictor_68_face_landmarks.dat",
)


@dataclass(frozen=True, slots=True)
class AssetOrigin:
    """One file that detection needs, and where the first start takes it from.

    Attributes:
        target: where the service reads it.
        packaged: the file in the installed package; None where the package is missing or not whole.
        distribution: the package's name for pip.
    """

    target: Path
    packaged: Path | None
    distribution: str


def asset_origins(assets_dir: Path = ASSETS_DIR) -> list[AssetOrigin]:
    """All files of `Assets`, whether they are there or not. Nothing is written."""
    return [
        AssetOrigin(assets_dir / source.target, _packaged_file(source), source.distribution)
        for source in (_FACE_CASCADE, _EYE_CASCADE, _LANDMARKS)
    ]


def prepare_assets(assets_dir: Path = ASSETS_DIR) -> Assets:
    """Copies what is not there yet; files that are there stay as they are, so a user may put in their own.

    Raises:
        StartupError: a file is neither there nor in its package, or cannot be written.
    """
    return Assets(
        face_cascade=_prepare(_FACE_CASCADE, assets_dir),
        eye_cascade=_prepare(_EYE_CASCADE, assets_dir),
        landmarks=_prepare(_LANDMARKS, assets_dir),
    )


def _prepare(source: _Source, assets_dir: Path) -> Path:
    target = assets_dir / source.target
    if target.is_file() and target.stat().st_size > 0:
        return target
    packaged = _packaged_file(source)
    if packaged is None:
        raise StartupError(
            f"{target} is missing, and the package {source.distribution} that carries it is not installed or not "
            f"whole. Run: pip install --force-reinstall {source.distribution}"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A start that is killed half-way must not leave half a file behind that the next start takes for whole.
        with renamed_when_whole(target) as unfinished:
            shutil.copyfile(packaged, unfinished)
    except OSError as error:
        raise StartupError(f"{target} cannot be written: {error.strerror or error}.") from None
    return target


def _packaged_file(source: _Source) -> Path | None:
    # Looked up, not imported: importing face_recognition_models needs pkg_resources, which newer Pythons lack.
    specification = importlib.util.find_spec(source.package)
    if specification is None or specification.origin is None:
        return None
    file = Path(specification.origin).parent / source.inside
    return file if file.is_file() else None


if __name__ == "__main__":
    try:
        prepare_assets()
    except StartupError as error:
        sys.exit(str(error))
