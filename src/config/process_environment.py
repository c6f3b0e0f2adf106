"""What libraries read from the environment when they are imported, decided here before they are."""

from __future__ import annotations

import os

_BEFORE_NUMPY = {
    # OpenBLAS' threads look for more work for milliseconds after each product, on the cores that others wait for: with
    # them, an upload takes a third more processor time. Every piece of work here runs on one core anyway.
    "OPENBLAS_NUM_THREADS": "1",
}

_BEFORE_TENSORFLOW = {
    # Keras 3, the default from TensorFlow 2.16 on, cannot load the documented .h5.
    "TF_USE_LEGACY_KERAS": "1",
    # TensorFlow 2.14 logs three harmless "unable to register" errors at each start. Set it to 0 to see everything.
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def shield_from_robyn_variables() -> None:
    """Robyn lets ROBYN_HOST, ROBYN_PORT and others override what it is told; our settings are the only ones."""
    for name in [name for name in os.environ if name.startswith("ROBYN_")]:
        del os.environ[name]


def shield_from_prometheus_variables() -> None:
    """Must run before the first import of prometheus_client.

    These make it share its counts between processes through files in a folder, and fail at import where the folder is
    missing. There is one server process here, and nothing is to be written.
    """
    for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        os.environ.pop(name, None)


def prepare_for_numpy() -> None:
    """Must run before the first import of NumPy. What is already set stays."""
    for name, value in _BEFORE_NUMPY.items():
        os.environ.setdefault(name, value)


def prepare_for_tensorflow() -> None:
    """Must run before the first import of TensorFlow. What is already set stays, but for the legacy Keras switch."""
    for name, value in _BEFORE_TENSORFLOW.items():
        os.environ.setdefault(name, value)
    os.environ["TF_USE_LEGACY_KERAS"] = _BEFORE_TENSORFLOW["TF_USE_LEGACY_KERAS"]
