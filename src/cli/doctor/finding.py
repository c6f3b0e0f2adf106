"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(str, Enum):
    """How it stands: `skip` where a check could not look, or was not asked to."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's.

    Attributes:
        message: what is.
        advice: what to do about it; None where there is nothing to do.
    """

    status: Status
    message: str
    advice: str | None = None


def ok(message: str) -> Finding:
    return Finding(Status.OK, message)


def warn(message: str, advice: str) -> Finding:
    return Finding(Status.WARN, message, advice)


def fail(message: str, advice: str) -> Finding:
    return Finding(Status.FAIL, message, advice)


def skip(message: str) -> Finding:
    return Finding(Status.SKIP, message)
