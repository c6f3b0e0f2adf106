"""One server process: forked, listened to, told to stop, and killed when it says nothing any more."""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from src.config.logging import log_on_a_thread
from src.config.overseer import ALIVE, READY, STOPPING, tell_systemd
from src.config.process import STOP_SIGNALS, exit_at_once, flush_output
from src.core.awake_clock import AwakeClock
from src.supervisor.line import ServerEnd, open_line
from src.supervisor.printed import Printed
from src.supervisor.wakeups import Wakeups

RunServer: TypeAlias = Callable[[ServerEnd], int]
"""What the child does, its signals blocked; returns its exit code."""

_LOOK_EVERY_S = 1.0
# While more is printed than a pipe holds.
_LOOK_AGAIN_S = 0.002
_UNEXPECTED = 70

_log = logging.getLogger("eyenet.supervisor")


class ServerProcess:
    """Started when it is built, which must happen while this process has no second thread: it forks.

    Forking hands the settings on as they were read, and tells the child what it is without a word in the environment or
    on the command line. What the child imports (NumPy, Robyn, TensorFlow) never gets into the parent.

    Attributes:
        was_stopped: a stop signal was handed on.
        was_ready: it has had a heartbeat, which it has once the model is loaded and warm.
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
        self._clock = AwakeClock(2 * _LOOK_EVERY_S)
        self._heard_at_s = 0.0
        self._line, theirs = open_line(restarts)
        self._printed = Printed()
        # What waits in them would be written twice.
        flush_output()
        # A collection in the child would otherwise copy every page that it shares with the parent.
        gc.freeze()
        try:
            self._pid = os.fork()
        except OSError:
            self._line.close()
            theirs.close()
            self._printed.close()
            raise
        if self._pid == 0:
            self._line.close()
            _be_the_server(run_server, theirs, wakeups, self._printed)
        theirs.close()
        self._printed.leave_to_the_server()

    def wait(self, stop_timeout_s: float, longest_silence_s: float) -> int:
        """Waits for its end, hands stop signals on meanwhile, and shows what it prints.

        Args:
            stop_timeout_s: how long after the first of them it is killed.
            longest_silence_s: how long after its last heartbeat it is killed, unless it is stopping.

        Returns:
            its exit code; minus the signal's number if one ended it.
        """
        kill_at: float | None = None
        look_again_s = _LOOK_EVERY_S
        while not self._has_ended():
            received = self._wakeups.next(time.monotonic() + look_again_s)
            look_again_s = _LOOK_AGAIN_S if self._printed.show() else _LOOK_EVERY_S
            if received in STOP_SIGNALS:
                if not self.was_stopped:
                    tell_systemd(STOPPING)
                self.was_stopped = True
                kill_at = kill_at or time.monotonic() + stop_timeout_s
                self._line.forward(received)
            elif kill_at is not None and time.monotonic() >= kill_at:
                self._kill(f"has not stopped in {stop_timeout_s:.0f} s")
                kill_at = None
            elif not self.was_stopped and (silence_s := self._silence_s()) >= longest_silence_s:
                self._kill(f"has had no heartbeat for {silence_s:.0f} s")
                # Dead it may be only when it comes back from the disk.
                self._heard_at_s += silence_s
        self._silence_s()
        self._line.close()
        self._printed.show_last_words()
        return self._exit_code

    def _silence_s(self) -> float:
        """Seconds since the last heartbeat, of those in which this process was awake itself; 0 before the first one."""
        now_s = self._clock.seconds()
        beats = self._line.heard_a_beat()
        if beats and not self.was_ready:
            self.was_ready = True
            tell_systemd(READY)
        if beats or not self.was_ready:
            # A start may take minutes, and is nothing that systemd could mend.
            self._heard_at_s = now_s
            tell_systemd(ALIVE)
        return now_s - self._heard_at_s

    def _kill(self, why: str) -> None:
        # First: the log may be what hangs.
        os.kill(self._pid, signal.SIGKILL)
        _log.error("server process %s: killed", why)

    def _has_ended(self) -> bool:
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            return False
        self._exit_code = os.waitstatus_to_exitcode(status)
        return True


def _be_the_server(run_server: RunServer, line: ServerEnd, wakeups: Wakeups, printed: Printed) -> NoReturn:
    exit_code = _UNEXPECTED
    try:
        wakeups.give_up()
        log_on_a_thread()
        printed.take_over()
        line.listen()
        exit_code = run_server(line)
    except BaseException:
        # Whatever it is, the child must not return and go on as a second parent.
        _log.exception("server process failed")
    finally:
        exit_at_once(exit_code)
