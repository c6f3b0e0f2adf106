"""Libraries find the environment they need, and an operator's own choices in it where he has a say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from src.config.process_environment import (
    prepare_for_numpy,
    prepare_for_tensorflow,
    shield_from_prometheus_variables,
    shield_from_robyn_variables,
)
from src.config.settings import PROJECT_ROOT


def test_tensorflow_is_told_to_use_the_keras_that_can_load_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    prepare_for_tensorflow()
    assert os.environ["TF_USE_LEGACY_KERAS"] == "1"


def test_that_is_not_left_to_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    prepare_for_tensorflow()
    assert os.environ["TF_USE_LEGACY_KERAS"] == "1"


def test_tensorflow_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    prepare_for_tensorflow()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"


def test_an_operator_may_make_it_talk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    prepare_for_tensorflow()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_numpy_multiplies_on_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    prepare_for_numpy()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_an_operator_may_give_it_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    prepare_for_numpy()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"


def test_what_prepares_numpy_does_not_import_it() -> None:
    program = "import sys, src.core.stop_signals, src.config.process_environment; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT_ROOT, check=False).returncode == 0


def test_robyn_cannot_override_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBYN_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("ROBYN_PORT", "1")
    monkeypatch.setenv("ROBYNS_NEST", "kept")
    shield_from_robyn_variables()
    assert [name for name in os.environ if name.startswith("ROBYN")] == ["ROBYNS_NEST"]


@pytest.mark.parametrize("name", ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"])
def test_prometheus_cannot_be_told_to_write_files(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/nowhere")
    shield_from_prometheus_variables()
    assert name not in os.environ
