"""Libraries find the environment they need, and an operator's own choices in it where he has a say."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from src.config.process import (
    check_port_is_free,
    cpu_flags,
    prepare_for_numpy,
    prepare_for_tensorflow,
    shield_from_prometheus_variables,
    shield_from_robyn_variables,
    wants_colour,
)
from src.config.settings import PROJECT_ROOT
from src.core.errors import StartupError


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
    program = "import sys, src.config.process, src.config.process; sys.exit('numpy' in sys.modules)"
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


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal masks")

BLOCKED_SIGNALS = """
import os, signal, sys
from src.config.process import STOP_SIGNALS, block_stop_signals, second_stop_signal
block_stop_signals()
print(sorted({"threading", "numpy", "tensorflow", "robyn"} & set(sys.modules) - {"threading"}))
print(second_stop_signal())
os.kill(os.getpid(), signal.SIGTERM)
print(signal.sigwait(STOP_SIGNALS) is signal.SIGTERM)
print(second_stop_signal())
os.kill(os.getpid(), signal.SIGINT)
print(second_stop_signal())
"""


def test_a_stop_signal_waits_to_be_asked_for_and_a_second_one_is_noticed() -> None:
    script = subprocess.run(
        [sys.executable, "-c", BLOCKED_SIGNALS],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert script.stdout.splitlines() == ["[]", "False", "True", "False", "True"]


# Else the first print would fail, and nothing would wait to be written in the end.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
ENDING = "from src.config.process import exit_at_once; print('told'); exit_at_once(5)"


def test_what_waits_to_be_written_is_written() -> None:
    process = subprocess.run(
        [sys.executable, "-c", ENDING], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (process.returncode, process.stdout, process.stderr) == (5, "told\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipe that is closed at one end")
def test_a_closed_pipe_changes_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = subprocess.run(
            [sys.executable, "-c", ENDING],
            cwd=PROJECT_ROOT,
            env=BUFFERED,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (process.returncode, process.stderr) == (5, "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def colourful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_gets_it_and_a_file_does_not() -> None:
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_may_say_no(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert not wants_colour(Terminal())


def test_a_taken_port_is_named_and_a_freed_one_is_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartupError, match=f"PORT {port} cannot be listened on"):
            check_port_is_free("127.0.0.1", port)
    check_port_is_free("127.0.0.1", port)


def test_the_flags_of_all_cores(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nflags\t\t: fpu avx\nbugs\t: x\nprocessor\t: 1\nflags\t: fpu avx2\n"
    )
    assert cpu_flags(tmp_path / "cpuinfo") == {"fpu", "avx", "avx2"}


def test_nobody_knows_elsewhere(tmp_path: Path) -> None:
    assert cpu_flags(tmp_path / "gone") == frozenset()
