"""Keeps a server process running: forks it, watches it, and starts it again when it dies of what nobody wanted."""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from src.config.process import STOP_SIGNALS, block_stop_signals, exit_at_once, flush_output
from src.supervisor.line import ServerEnd, open_line

GAVE_UP = 3
"""The exit code after a crash loop."""

KILL_AFTER_S = 8.0
"""A server process that has not ended so long after its time to drain is killed."""

MAX_FAILED_STARTS = 5
"""So many server processes that die before any was ever ready are a crash loop."""

RunServer: TypeAlias = Callable[[ServerEnd], int]
"""What the child does, stop signals blocked; returns its exit code."""

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0

_STOPPED = 0
_CANNOT_START = 1
_WRONG_SETTINGS = 2
_UNEXPECTED = 70
# What shells say of a process that a signal ended.
_ENDED_BY_SIGNAL = 128

_log = logging.getLogger("eyenet.supervisor")


def can_supervise() -> bool:
    """Whether this system can; Windows has neither fork nor signals that can be waited for."""
    return hasattr(os, "fork") and hasattr(signal, "sigwait")


class Supervisor:
    """The parent process. Its only thread is the first."""

    def __init__(self, run_server: RunServer, drain_timeout_s: float) -> None:
        """
        Args:
            run_server: what the child does.
            drain_timeout_s: what it has for requests in flight after a stop signal.
        """
        self._run_server = run_server
        self._stop_timeout_s = drain_timeout_s + KILL_AFTER_S
        self._wakeups = Wakeups()
        self._restarts = Restarts()

    def run(self) -> int:
        """Returns when the service has been stopped, cannot start, or is given up.

        Returns:
            the exit code: the server process's own; 128 and the signal's number if one ended it while it was stopping;
            `GAVE_UP` after a crash loop.
        """
        while (exit_code := self._run_once()) is None:
            pass
        return exit_code

    def _run_once(self) -> int | None:
        """One server process, and the pause after its death; None if another one is due."""
        try:
            server = ServerProcess(self._run_server, self._wakeups, self._restarts.count)
        except OSError as error:
            return self._after_death(f"could not be started ({error.strerror})", was_ready=False)
        exit_code = server.wait(self._stop_timeout_s)
        if server.was_stopped:
            return _reported(exit_code)
        has_run = server.was_ready or self._restarts.was_ever_ready
        # What could not start will not the next time either. Not so if it has been running: then a file is just being
        # replaced, or the memory of the one that died is not free yet.
        if exit_code in {_STOPPED, _WRONG_SETTINGS} or (exit_code == _CANNOT_START and not has_run):
            return exit_code
        return self._after_death(_in_words(exit_code), was_ready=server.was_ready)

    def _after_death(self, how: str, *, was_ready: bool) -> int | None:
        delay_s = self._restarts.delay_after(was_ready=was_ready)
        if delay_s is None:
            _log.critical(
                "server process %s; giving up: %d ended, and none of them was ever ready", how, MAX_FAILED_STARTS
            )
            return GAVE_UP
        _log.error("server process %s, restart %d in %.1f s", how, self._restarts.count, delay_s)
        stop_signal = self._wakeups.stop_signal_within(delay_s)
        if stop_signal is None:
            return None
        _log.info("%s: stopped before the restart", stop_signal.name)
        return _STOPPED


def _in_words(exit_code: int) -> str:
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"ended by {signal.Signals(-exit_code).name}"
    except ValueError:
        # Real-time signals have no names.
        return f"ended by signal {-exit_code}"


def _reported(exit_code: int) -> int:
    """The exit code of a stop; whatever did not go well was somebody's request that is lost."""
    if exit_code == _STOPPED:
        return _STOPPED
    _log.error("server process %s while it was stopping", _in_words(exit_code))
    return exit_code if exit_code > 0 else _ENDED_BY_SIGNAL - exit_code


class Restarts:
    """Counts the restarts of one supervisor.

    What kills a server process that was ready is most likely a request, and a service that gives up under a stream of
    those does what their sender wants. So the next one is started at once, however often that happens; a start takes
    seconds, which is pause enough. After processes that die while they load, the pauses double, and the service gives
    up only if none was ever ready: requests may hit a loading process as well.

    Attributes:
        count: how many there were.
        was_ever_ready: whether any server process was.
    """

    def __init__(self) -> None:
        self.count = 0
        self.was_ever_ready = False
        self._failed_starts = 0
        self._delay_s = _FIRST_DELAY_S

    def delay_after(self, *, was_ready: bool) -> float | None:
        """One more server process died.

        Args:
            was_ready: whether it had loaded the model.

        Returns:
            the seconds to wait before the next one is started, None if that is given up.
        """
        self.was_ever_ready |= was_ready
        self._failed_starts = 0 if was_ready else self._failed_starts + 1
        if self._failed_starts >= MAX_FAILED_STARTS and not self.was_ever_ready:
            return None
        self.count += 1
        if self._failed_starts <= 1:
            self._delay_s = _FIRST_DELAY_S
        else:
            self._delay_s = min(2 * self._delay_s, _LONGEST_DELAY_S)
        return self._delay_s


class ServerProcess:
    """Started when it is built, which must happen while this process has no second thread: it forks.

    Forking hands the settings on as they were read, and tells the child what it is without a word in the environment or
    on the command line. What the child imports (NumPy, Robyn, TensorFlow) never gets into the parent.

    Attributes:
        was_stopped: a stop signal was handed on.
        was_ready: it had loaded the model; known after its end.
    """

    def __init__(self, run_server: RunServer, wakeups: Wakeups, restarts: int) -> None:
        """
        Args:
            run_server: see there.
            wakeups: of this process.
            restarts: how many server processes there were before.

        Raises:
            OSError: the system has no room for another process.
        """
        self.was_stopped = False
        self.was_ready = False
        self._wakeups = wakeups
        self._line, theirs = open_line(restarts)
        # What waits in them would be written twice.
        flush_output()
        # A collection in the child would otherwise copy every page that it shares with the parent.
        gc.freeze()
        try:
            self._pid = os.fork()
        except OSError:
            self._line.close()
            theirs.close()
            raise
        if self._pid == 0:
            self._line.close()
            _be_the_server(run_server, theirs, wakeups)
        theirs.close()

    def wait(self, stop_timeout_s: float) -> int:
        """Waits for its end and hands stop signals on meanwhile.

        Args:
            stop_timeout_s: how long after the first of them it is killed.

        Returns:
            its exit code; minus the signal's number if one ended it.
        """
        kill_at: float | None = None
        while not self._has_ended():
            received = self._wakeups.next(kill_at)
            if received in STOP_SIGNALS:
                self.was_stopped = True
                kill_at = kill_at or time.monotonic() + stop_timeout_s
                self._line.forward(received)
            elif kill_at is not None and time.monotonic() >= kill_at:
                _log.error("server process has not stopped in %.0f s: killed", stop_timeout_s)
                os.kill(self._pid, signal.SIGKILL)
                kill_at = None
        self.was_ready = self._line.was_ready()
        self._line.close()
        return self._exit_code

    def _has_ended(self) -> bool:
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            return False
        self._exit_code = os.waitstatus_to_exitcode(status)
        return True


def _be_the_server(run_server: RunServer, line: ServerEnd, wakeups: Wakeups) -> NoReturn:
    exit_code = _UNEXPECTED
    try:
        wakeups.give_up()
        line.listen()
        exit_code = run_server(line)
    except BaseException:
        # Whatever it is, the child must not return and go on as a second parent.
        _log.exception("server process failed")
    finally:
        exit_at_once(exit_code)


class Wakeups:
    """Takes these signals of the process for itself, so there is one of it, on the only thread.

    A timer's signal and not `sigtimedwait`, which macOS lacks.
    """

    def __init__(self) -> None:
        # Not a constant: Windows imports this file, and has no such signals.
        self._others = {signal.SIGCHLD, signal.SIGALRM}
        block_stop_signals()
        signal.pthread_sigmask(signal.SIG_BLOCK, self._others)
        # What is ignored by default may be thrown away although it is blocked, as on macOS; and a parent that left
        # SIGCHLD ignored would have children vanish before anybody could ask how they ended.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def give_up(self) -> None:
        """In a child: all but the stop signals are as in any other process again."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._others)

    def next(self, until: float | None = None) -> signal.Signals:
        """The next signal; SIGALRM at the latest at `until` on the monotonic clock."""
        if until is not None:
            # 0 would switch the timer off.
            signal.setitimer(signal.ITIMER_REAL, max(until - time.monotonic(), 0.001))
        received = signal.Signals(signal.sigwait(STOP_SIGNALS | self._others))
        signal.setitimer(signal.ITIMER_REAL, 0)
        return received

    def stop_signal_within(self, seconds: float) -> signal.Signals | None:
        """Sleeps, unless a stop signal comes, which is returned."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            received = self.next(until)
            if received in STOP_SIGNALS:
                return received
        return None
