"""Log lines have one form, go to standard output, and libraries do not put theirs between."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from src.config.logging import configure_logging


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_says_when_in_utc_how_severe_and_from_where(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    logging.getLogger("eyenet.test").info("key=%s", "value")
    line = capsys.readouterr().out
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO eyenet\.test key=value\n", line)


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 1), ("ERROR", 0)])
def test_what_is_less_severe_than_the_level_is_not_logged(
    capsys: pytest.CaptureFixture[str], level: str, shown: int
) -> None:
    configure_logging(level)
    log = logging.getLogger("eyenet.test")
    log.debug("debug")
    log.info("info")
    log.warning("warning")
    assert len(capsys.readouterr().out.splitlines()) == shown


@pytest.mark.parametrize("library", ["robyn", "asyncio", "PIL", "PIL.PngImagePlugin", "tensorflow", "h5py"])
def test_libraries_are_heard_only_when_they_warn(capsys: pytest.CaptureFixture[str], library: str) -> None:
    configure_logging("DEBUG")
    logging.getLogger(library).info("pixels of a user")
    assert capsys.readouterr().out == ""
    logging.getLogger(library).warning("something is wrong")
    assert "something is wrong" in capsys.readouterr().out
