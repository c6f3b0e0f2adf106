"""Keeps a server process running: starts it again when it dies of what nobody wanted, and ends one that hangs."""

from __future__ import annotations

import logging
import os
import signal

from src.config.logging import log_if_it_can_be_written
from src.supervisor.server_process import RunServer, ServerProcess
from src.supervisor.wakeups import Wakeups

GAVE_UP = 3
"""The exit code after a crash loop."""

KILL_AFTER_S = 8.0
"""A server process that has not ended so long after its time to drain is killed."""

SILENCE_AFTER_STEP_S = 5.0
"""A server process in which a step hangs ends by itself; one without a heartbeat is killed so much later than that."""

MAX_FAILED_STARTS = 5
"""So many server processes that die before any was ever ready are a crash loop."""

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0

_STOPPED = 0
_CANNOT_START = 1
_WRONG_SETTINGS = 2
# What shells say of a process that a signal ended.
_ENDED_BY_SIGNAL = 128

_log = logging.getLogger("eyenet.supervisor")


def can_supervise() -> bool:
    """Whether this system can; Windows has neither fork nor signals that can be waited for."""
    return hasattr(os, "fork") and hasattr(signal, "sigwait")


class Supervisor:
    """The parent process. Its only thread is the first."""

    def __init__(self, run_server: RunServer, drain_timeout_s: float, step_timeout_s: float) -> None:
        """
        Args:
            run_server: what the child does.
            drain_timeout_s: what it has for requests in flight after a stop signal.
            step_timeout_s: what it lets a step of its work take.
        """
        self._run_server = run_server
        self._stop_timeout_s = drain_timeout_s + KILL_AFTER_S
        self._longest_silence_s = step_timeout_s + SILENCE_AFTER_STEP_S
        self._wakeups = Wakeups()
        self._restarts = Restarts()

    def run(self) -> int:
        """Returns when the service has been stopped, cannot start, or is given up.

        Returns:
            the exit code: the server process's own; 128 and the signal's number if one ended it while it was stopping;
            `GAVE_UP` after a crash loop.
        """
        log_if_it_can_be_written()
        while (exit_code := self._run_once()) is None:
            pass
        return exit_code

    def _run_once(self) -> int | None:
        """One server process, and the pause after its death; None if another one is due."""
        try:
            server = ServerProcess(self._run_server, self._wakeups, self._restarts.count)
        except OSError as error:
            return self._after_death(f"could not be started ({error.strerror})", was_ready=False)
        exit_code = server.wait(self._stop_timeout_s, self._longest_silence_s)
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
