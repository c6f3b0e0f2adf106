"""The process and what it runs on: variables that libraries read, signals, its end, terminal, port, processor.

Imports nothing that could start a thread: `main.py` blocks the signals with it before any other thread exists.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TextIO

from src.core.errors import StartupError

_STDOUT, _STDERR = 1, 2

FLUSH_S = 0.3
"""Between the last handler's return and the end of the process, so that its answer reaches the socket."""

LOST = 4
"""The exit code of a server process that cannot go on: a step of its work hangs, or its memory ran out."""


def _signals(*names: str) -> set[signal.Signals]:
    # Windows has few of them.
    return {signal.Signals[name] for name in names if name in signal.Signals.__members__}


STOP_SIGNALS = _signals("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
"""All mean the same. Not SIGHUP under `nohup`, which says by ignoring it that the end of a terminal is none of ours."""
if signal.getsignal(getattr(signal, "SIGHUP", signal.SIGINT)) is signal.SIG_IGN:
    STOP_SIGNALS -= _signals("SIGHUP")

NOTED_SIGNALS = _signals("SIGUSR1", "SIGUSR2")
"""They mean nothing here, and would end the process if nobody took them."""

_BEFORE_NUMPY = {
    # After each product, OpenBLAS' threads spin for milliseconds looking for more, on cores that others wait for: an
    # upload takes a third more processor time with them. Every piece of work here runs on one core anyway.
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


def open_closed_streams() -> None:
    """Puts the null device in the place of standard streams that whoever started this process has closed.

    Before anything else is opened: it would get their numbers, and then the lines of the log.
    """
    # Each takes the lowest number that is free.
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(opened)
    # Python has none for those that were closed.
    sys.stdout = sys.stdout or os.fdopen(_STDOUT, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(_STDERR, "w", encoding="utf-8", closefd=False)


def block_signals() -> None:
    """Stop signals and noted ones wait to be asked for from now on.

    Must run before any other thread exists, because threads inherit the mask.

    Robyn hangs on a SIGTERM that its own threads take, and NumPy and TensorFlow start threads when they are imported.
    Windows has no such masks; there, Ctrl-C ends the process at once.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS | NOTED_SIGNALS)


def second_stop_signal() -> bool:
    """Whether somebody has asked again: then what is in flight is not waited for."""
    return bool(signal.sigpending() & STOP_SIGNALS)


def exit_at_once(exit_code: int) -> NoReturn:
    """Ends the process without tearing the interpreter down.

    Robyn's own threads may still be taking a request in; when they meet an interpreter that is being torn down, the
    process aborts. By now everything of ours is closed.
    """
    try:
        flush_output()
        logging.shutdown()
    finally:
        os._exit(exit_code)


def flush_output() -> None:
    """Writes what waits to be written, if anybody still reads it: a pipe may be closed, a disk full."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def wants_colour(out: TextIO) -> bool:
    """Whether colour codes may be written: to a terminal that knows them, unless NO_COLOR (no-color.org) says no."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def check_port_is_free(host: str, port: int) -> None:
    """Binds the port for a moment.

    Raises:
        StartupError: it is taken, or the address is not this machine's; the sentence names both settings.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without it, a port stays "taken" for a minute after every restart.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartupError(f"LISTEN_ADDRESS {host}, PORT {port} cannot be listened on: {error.strerror}.") from None


def cpu_flags(cpu_description: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The processor's flags as Linux on x86 names them; empty where there is no such file to tell."""
    lines = _text_of(cpu_description).splitlines()
    return frozenset(flag for line in lines if line.startswith("flags") for flag in line.partition(":")[2].split())


def usable_cores(root: Path = Path("/")) -> int:
    """How many cores this process may use, 1 or more: those it may run on, and of these what its cgroups let it have.

    A quota of one and a half cores counts as two: threads that share a core are better than one that is idle.

    Args:
        root: of the file system; below it are `proc/self/cgroup` and `sys/fs/cgroup`, where the system is a Linux.

    Returns:
        see above; quotas as in the kernel's documentation, cgroup-v2 (cpu.max) and sched-bwc (cpu.cfs_quota_us).
    """
    if hasattr(os, "process_cpu_count"):
        cores = os.process_cpu_count() or 1
    elif hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *(math.ceil(quota) for quota in _cgroup_quotas(root))]))


def _cgroup_quotas(root: Path) -> Iterator[float]:
    """Cores that each group allows which this process is in, the groups around a group included."""
    for line in _text_of(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        # In a container the path is often that of the host, and the group itself stands at the top.
        top = root / "sys/fs/cgroup" / controllers
        group = top / path.strip("/")
        for folder in (group, *group.parents[: len(group.parts) - len(top.parts)]):
            if controllers:
                limits = [_text_of(folder / name).strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]
            else:
                limits = _text_of(folder / "cpu.max").split()
            # Without a limit: "max" in version 2, -1 in version 1.
            if len(limits) == 2 and all(limit.isdecimal() for limit in limits) and int(limits[1]) > 0:
                yield int(limits[0]) / int(limits[1])


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
