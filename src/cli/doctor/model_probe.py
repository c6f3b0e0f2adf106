"""Loads what the service loads, lets it answer once, and prints one line of JSON about it."""

from __future__ import annotations

import json
import time

from src.config.process import prepare_for_numpy

prepare_for_numpy()

from src.config.settings import Settings, load_settings  # noqa: E402  (the environment has to be ready first)
from src.core.errors import StartupError  # noqa: E402


def probe(settings: Settings) -> dict[str, object]:
    """What the doctor wants to know: the device, and whether everything fits. Nothing is written.

    Raises:
        StartupError: the model, its card, or a file of detection does not do.
        ImportError: a package is missing or broken.
    """
    from src.services.assets import Assets, asset_origins  # noqa: PLC0415  (an ImportError of these is an answer)
    from src.services.classifier import EyeClassifier  # noqa: PLC0415
    from src.services.face_detection import FaceDetector  # noqa: PLC0415
    from src.services.tensorflow_runtime import tf  # noqa: PLC0415

    started = time.monotonic()
    model = EyeClassifier.from_settings(settings).info
    files = [origin.target if origin.target.is_file() else origin.packaged for origin in asset_origins()]
    present = [file for file in files if file is not None]
    if len(present) == len(files):
        FaceDetector.from_settings(Assets(*present), settings)
    return {
        "tensorflow": model.tensorflow,
        "built_with_cuda": tf.test.is_built_with_cuda(),
        "device": model.device,
        "precision": model.precision,
        "detection": "detection loads" if len(present) == len(files) else "detection not tried",
        "seconds": time.monotonic() - started,
    }


def main() -> None:
    """Prints what `probe` returns, or what stood in its way."""
    try:
        found = probe(load_settings())
    except StartupError as error:
        found = {"problem": str(error), "advice": "correct the setting, or restore the file (docs/operations.md)"}
    except ImportError as error:
        found = {"problem": f"a package cannot be imported: {error}", "advice": "pip install -r requirements.txt"}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
