"""One server process, as the supervisor sees it: forked, watched, told to stop, reaped."""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

from src.core.stop_signals import STOP_SIGNALS
from src.supervisor.line import ServerEnd, open_line
from src.supervisor.process_end import exit_at_once, flush_output
from src.supervisor.wakeups import Wakeups

RunServer = Callable[[ServerEnd], int]
"""What the child does, stop signals blocked; returns its exit code."""

_UNEXPECTED = 70

_log = logging.getLogger("eyenet.supervisor")


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
