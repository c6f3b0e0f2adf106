"""Libraries find the environment they need, and an operator's own choices in it where he has a say."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.config.process import (
    check_port_is_free,
    cpu_flags,
    prepare_for_numpy,
    prepare_for_tensorflow,
    shield_from_prometheus_variables,
    shield_from_robyn_variables,
    usable_cores,
    wants_colour,
)
from src.config.settings import PROJECT_ROOT
from src.core.errors import StartupError

not_on_windows = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals and pipes")


def run(program: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, text=True, timeout=60, check=False, **streams
    )


@not_on_windows
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_nothing_gets_the_number_of_a_stream_that_was_closed_and_what_is_printed_goes_nowhere(
    closed: str, tmp_path: Path
) -> None:
    program = (
        "from src.config.process import open_closed_streams; open_closed_streams();"
        "import os, sys; print('a'); print('b', file=sys.stderr); sys.stdout.flush();"
        f"file = open({str(tmp_path / 'number')!r}, 'w'); print(file.fileno(), file=file)"
    )
    subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, program],
        cwd=PROJECT_ROOT,
        timeout=60,
        check=True,
    )
    assert int((tmp_path / "number").read_text()) > 2


class TestVariables:
    @pytest.mark.parametrize(
        ("prepare", "name", "value", "operators"),
        [
            (prepare_for_tensorflow, "TF_CPP_MIN_LOG_LEVEL", "3", "0"),
            (prepare_for_numpy, "OPENBLAS_NUM_THREADS", "1", "3"),
        ],
        ids=["TensorFlow is quiet", "NumPy multiplies on one core"],
    )
    def test_a_library_is_told_what_is_best_unless_the_operator_tells_it_something_else(
        self, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[], None], name: str, value: str, operators: str
    ) -> None:
        monkeypatch.delenv(name, raising=False)
        prepare()
        assert os.environ[name] == value
        monkeypatch.setenv(name, operators)
        prepare()
        assert os.environ[name] == operators

    @pytest.mark.parametrize("operators", ["", "0", "1"])
    def test_tensorflow_takes_the_keras_that_can_load_the_model_whatever_the_operator_says(
        self, monkeypatch: pytest.MonkeyPatch, operators: str
    ) -> None:
        monkeypatch.setenv("TF_USE_LEGACY_KERAS", operators)
        prepare_for_tensorflow()
        assert os.environ["TF_USE_LEGACY_KERAS"] == "1"

    def test_what_prepares_numpy_does_not_import_it(self) -> None:
        assert run("import sys, src.config.process; sys.exit('numpy' in sys.modules)").returncode == 0

    def test_robyn_cannot_override_our_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROBYN_HOST", "0.0.0.0")  # noqa: S104
        monkeypatch.setenv("ROBYN_PORT", "1")
        monkeypatch.setenv("ROBYNS_NEST", "kept")
        shield_from_robyn_variables()
        assert [name for name in os.environ if name.startswith("ROBYN")] == ["ROBYNS_NEST"]

    @pytest.mark.parametrize("name", ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"])
    def test_prometheus_cannot_be_told_to_write_files(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv(name, "/nowhere")
        shield_from_prometheus_variables()
        assert name not in os.environ


BLOCKED_SIGNALS = """
import os, signal, sys
from src.config.process import STOP_SIGNALS, block_signals, second_stop_signal
block_signals()
print(sorted({"numpy", "tensorflow", "robyn"} & set(sys.modules)))
print(second_stop_signal())
os.kill(os.getpid(), signal.SIGTERM)
print(signal.sigwait(STOP_SIGNALS) is signal.SIGTERM)
print(second_stop_signal())
os.kill(os.getpid(), signal.SIGINT)
print(second_stop_signal())
"""


@not_on_windows
def test_a_stop_signal_waits_to_be_asked_for_and_a_second_one_is_noticed() -> None:
    assert run(BLOCKED_SIGNALS).stdout.splitlines() == ["[]", "False", "True", "False", "True"]


@not_on_windows
@pytest.mark.parametrize("name", ["SIGHUP", "SIGQUIT", "SIGTERM", "SIGINT", "SIGUSR1", "SIGUSR2"])
def test_no_signal_that_somebody_may_send_ends_a_process_that_has_not_asked_for_it_yet(name: str) -> None:
    """As while it is starting."""
    program = "import os, signal; from src.config.process import block_signals; block_signals()\n"
    assert run(f"{program}os.kill(os.getpid(), signal.{name}); print('alive')").stdout == "alive\n"


@not_on_windows
def test_under_nohup_the_end_of_a_terminal_is_no_stop_signal() -> None:
    program = """
import os, signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from src.config.process import STOP_SIGNALS, block_signals
block_signals()
os.kill(os.getpid(), signal.SIGHUP)
os.kill(os.getpid(), signal.SIGTERM)
print(signal.sigwait(STOP_SIGNALS).name, signal.sigpending())
"""
    assert run(program).stdout == "SIGTERM set()\n"


class TestEnding:
    PROGRAM = "from src.config.process import exit_at_once; print('told'); exit_at_once(5)"

    def test_what_waits_to_be_written_is_written(self) -> None:
        process = run(self.PROGRAM)
        assert (process.returncode, process.stdout, process.stderr) == (5, "told\n", "")

    @not_on_windows
    def test_a_closed_pipe_changes_nothing(self) -> None:
        # Unbuffered, the first print would fail, and nothing would wait to be written in the end.
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        reading, writing = os.pipe()
        os.close(reading)
        try:
            process = run(self.PROGRAM, env=buffered, stdout=writing)
        finally:
            os.close(writing)
        assert (process.returncode, process.stderr) == (5, "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colour_unless_it_says_no_and_a_file_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    for name, value in [("NO_COLOR", "1"), ("TERM", "dumb")]:
        with monkeypatch.context() as environment:
            environment.setenv(name, value)
            assert not wants_colour(Terminal())


def test_a_taken_port_is_named_and_a_freed_one_is_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartupError, match=f"PORT {port} cannot be listened on"):
            check_port_is_free("127.0.0.1", port)
    check_port_is_free("127.0.0.1", port)


def test_the_processors_flags_are_those_of_all_its_cores_and_none_where_nobody_lists_them(tmp_path: Path) -> None:
    assert cpu_flags(tmp_path / "cpuinfo") == frozenset()
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nflags\t\t: fpu avx\nbugs\t: x\nprocessor\t: 1\nflags\t: fpu avx2\n"
    )
    assert cpu_flags(tmp_path / "cpuinfo") == {"fpu", "avx", "avx2"}


class TestCores:
    """Of a process that may run on 64 of them; what stands in its cgroups is made here."""

    @pytest.fixture(autouse=True)
    def many_cores(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(64)), raising=False)
        monkeypatch.setattr(os, "process_cpu_count", lambda: 64, raising=False)

    def cores(self, root: Path, memberships: str, **files: str) -> int:
        for name, content in {"/proc/self/cgroup": memberships, **files}.items():
            file = root / name.strip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return usable_cores(root)

    @pytest.mark.parametrize(
        ("quota", "cores"),
        [
            ("200000 100000", 2),
            ("150000 100000", 2),
            ("10000 100000", 1),
            ("100000 50000", 2),
            ("max 100000", 64),
            ("9900000 100000", 64),
            ("", 64),
            ("100000 0", 64),
            ("half of them", 64),
        ],
    )
    def test_a_quota_counts_rounded_up(self, tmp_path: Path, quota: str, cores: int) -> None:
        assert self.cores(tmp_path, "0::/\n", **{"sys/fs/cgroup/cpu.max": quota + "\n"}) == cores

    def test_groups_around_a_group_count_as_well(self, tmp_path: Path) -> None:
        files = {
            "sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
            "sys/fs/cgroup/system.slice/eyenet.service/cpu.max": "max 100000\n",
            "sys/fs/cgroup/other.slice/cpu.max": "100000 100000\n",
        }
        assert self.cores(tmp_path, "0::/system.slice/eyenet.service\n", **files) == 3

    @pytest.mark.parametrize("group", ["", "docker/0123/"])
    def test_the_first_version_of_cgroups_also_where_a_container_names_the_path_of_its_host(
        self, tmp_path: Path, group: str
    ) -> None:
        folder = f"sys/fs/cgroup/cpu,cpuacct/{group}"
        files = {f"{folder}cpu.cfs_quota_us": "250000\n", f"{folder}cpu.cfs_period_us": "100000\n"}
        memberships = "5:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n0::/docker/0123\n"
        assert self.cores(tmp_path, memberships, **files) == 3

    def test_no_quota_in_the_first_version(self, tmp_path: Path) -> None:
        files = {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}
        assert self.cores(tmp_path, "4:cpu:/\n", **files) == 64

    def test_a_system_without_cgroups_lets_it_have_what_it_may_run_on(self, tmp_path: Path) -> None:
        assert usable_cores(tmp_path) == 64
        assert self.cores(tmp_path, "nonsense\n\n") == 64


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds nobody to a core")
def test_who_may_run_on_one_core_has_one() -> None:
    bind = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    assert run(f"{bind}; from src.config.process import usable_cores; print(usable_cores())").stdout == "1\n"
