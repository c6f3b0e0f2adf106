"""The doctor's checks of what the service loads: the model and its card, the files of detection, TensorFlow.

The model is loaded in a process of its own, which this file is as well: what aborts there does not end the doctor.
"""

from __future__ import annotations

import filecmp
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.cli.doctor.checks import Finding, fail, ok, skip, valid_settings, warn

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.services.assets import AssetOrigin

_RESTORE = "restore both from the repository or a backup (docs/operations.md, Backup and recovery)"
_PROBE_SECONDS = 300
_NVIDIA_DEVICE = Path("/dev/nvidiactl")


def check_model() -> Iterator[Finding]:
    """Whether the model may be loaded, and the card beside it is this model's and fits CLASSES; without TensorFlow."""
    settings = valid_settings()
    if settings is None:
        yield skip("not looked at: the settings are wrong")
        return
    from src.core.errors import StartupError
    from src.core.types import short_hash
    from src.services.model_file import card_path_of, read_model_card
    from src.services.model_gate import open_model_file
    from src.utils.files import sha256_of

    file = settings.model_path
    try:
        with open_model_file(file):
            pass
    except StartupError as error:
        yield fail(str(error), "set MODEL_PATH, or restore the model (docs/operations.md)")
        return
    sha256 = sha256_of(file)
    words = f"{file.name}, SHA-256 {short_hash(sha256)}"
    if not card_path_of(file).is_file():
        yield warn(f"{words}, no card beside it: scores are not calibrated, nothing is unfamiliar", _RESTORE)
        return
    try:
        card = read_model_card(file, sha256)
    except StartupError as error:
        yield fail(str(error), _RESTORE)
        return
    if card.classes is None:
        yield warn(f"{words}: the card beside it is of another model file, or this one is damaged", _RESTORE)
    elif card.classes != settings.classes:
        yield fail(
            f"CLASSES is {','.join(settings.classes)}, the model's card says {','.join(card.classes)}",
            f"set CLASSES={','.join(card.classes)}",
        )
    else:
        yield ok(f"{words}, as its card says")


def check_detection_files() -> Iterator[Finding]:
    """The cascades and the landmark file against those of the installed packages."""
    from src.services.assets import asset_origins

    yield from map(judge_detection_file, asset_origins())


def judge_detection_file(origin: AssetOrigin) -> Finding:
    """Whether the file is there and whole, or will be after the first start."""
    target, packaged = origin.target, origin.packaged
    if target.is_file() and target.stat().st_size > 0:
        if packaged is None:
            return ok(f"{target.name} is there")
        if filecmp.cmp(target, packaged, shallow=False):
            return ok(f"{target.name}, as {origin.distribution} has it")
        return warn(
            f"{target.name} is not the one of {origin.distribution}: your own, or damaged",
            f"if it is not your own, delete {target}; the next start puts the packaged one there",
        )
    if packaged is None:
        return fail(
            f"{target.name} is neither in src/assets nor in {origin.distribution}",
            f"pip install --force-reinstall {origin.distribution}",
        )
    folder = next(parent for parent in target.parents if parent.is_dir())
    if not os.access(folder, os.W_OK):
        return fail(
            f"{target.name} is not in src/assets yet, and {folder} cannot be written to",
            "once, as its owner: python -m src.services.assets",
        )
    return ok(f"{target.name} comes out of {origin.distribution} at the first start")


def check_tensorflow() -> Iterator[Finding]:
    """Whether the model loads, fits the settings and answers, and on what it runs."""
    from src.config.settings import PROJECT_ROOT

    if valid_settings() is None:
        yield skip("not loaded: the settings are wrong")
        return
    try:
        process = subprocess.run(
            [sys.executable, "-m", "src.cli.doctor.model_checks"],
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        yield fail(
            f"the model did not answer within {_PROBE_SECONDS} s", "see whether the machine is busy, and try again"
        )
        return
    yield from judge_probe(process.returncode, process.stdout, has_nvidia_device=_NVIDIA_DEVICE.exists())


def judge_probe(exit_code: int, output: bytes, *, has_nvidia_device: bool) -> Iterator[Finding]:
    """What the process said that loaded the model, in JSON in its last line, or how it ended (below 0: a signal)."""
    found = _last_line(output)
    if found is None:
        end = f"signal {signal.Signals(-exit_code).name}" if exit_code < 0 else f"exit code {exit_code}"
        yield fail(
            f"loading TensorFlow and the model ended with {end}",
            "reinstall (make clean install); SIGILL means that the CPU is too old, SIGKILL too little memory",
        )
    elif "problem" in found:
        yield fail(found["problem"], found["advice"])
    else:
        yield ok(
            f"TensorFlow {found['tensorflow']}; the model loads, fits CLASSES and GRAD_CAM_LAYER, and answers "
            f"({found['seconds']:.1f} s, {found['precision']}, {found['detection']})"
        )
        yield _device(found, has_nvidia_device=has_nvidia_device)


def _device(found: dict[str, Any], *, has_nvidia_device: bool) -> Finding:
    built = "built with CUDA" if found["built_with_cuda"] else "built without CUDA"
    if found["device"] != "CPU":
        return ok(f"runs on {found['device']} ({built})")
    if has_nvidia_device:
        return warn(
            f"runs on the CPU, though there is an NVIDIA GPU; TensorFlow is {built}",
            "nvidia-smi must work; TensorFlow 2.14 wants CUDA 11.8 and cuDNN 8 (the image has both), and Python 3.10 "
            "or 3.11; in Docker, --gpus all",
        )
    return ok(f"runs on the CPU: no GPU found (TensorFlow is {built})")


def _last_line(output: bytes) -> dict[str, Any] | None:
    lines = output.splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _probe(settings: Settings) -> dict[str, object]:
    """Loads what the service loads, and lets it answer once. Nothing is written; raises StartupError, ImportError."""
    from src.services.assets import Assets, asset_origins
    from src.services.classifier import EyeClassifier
    from src.services.eye_locator import EyeLocator
    from src.services.tensorflow_runtime import tf

    started = time.monotonic()
    model = EyeClassifier.from_settings(settings).info
    files = [origin.target if origin.target.is_file() else origin.packaged for origin in asset_origins()]
    present = [file for file in files if file is not None]
    if len(present) == len(files):
        EyeLocator.from_settings(Assets(*present), settings)
    return {
        "tensorflow": model.tensorflow,
        "built_with_cuda": tf.test.is_built_with_cuda(),
        "device": model.device,
        "precision": model.precision,
        "detection": "detection loads" if len(present) == len(files) else "detection not tried",
        "seconds": time.monotonic() - started,
    }


def _print_probe() -> None:
    """One line of JSON: what the probe found, or what stood in its way."""
    from src.config.process import prepare_for_numpy

    prepare_for_numpy()
    from src.config.settings import load_settings
    from src.core.errors import StartupError

    try:
        found = _probe(load_settings())
    except StartupError as error:
        found = {"problem": str(error), "advice": "correct the setting, or restore the file (docs/operations.md)"}
    except ImportError as error:
        found = {"problem": f"a package cannot be imported: {error}", "advice": "pip install -r requirements.txt"}
    print(json.dumps(found))


if __name__ == "__main__":
    _print_probe()
