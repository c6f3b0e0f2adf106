"""A file goes through the service as an upload does; nothing about it is fatal."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from src.core.errors import NotAPicture
from src.core.types import AnalysisReport, EyeSide, Frame
from src.services.picture_file import FileAnswer, Refusal, answer_file


class Service:
    """Answers with no eye at all, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.got: list[bytes] = []
        self.told: EyeSide | None = None

    @staticmethod
    def read_headers(frames: list[Frame]) -> Frame:
        (frame,) = frames
        return frame

    async def analyse_upload(self, frame: Frame, *, eye: EyeSide | None) -> AnalysisReport:
        self.got.append(frame.data)
        self.told = eye
        if self.error is not None:
            raise self.error
        return AnalysisReport({}, ())


def answered(service: Service, file: Path, **options: Any) -> FileAnswer:
    return asyncio.run(answer_file(service, file, **options))  # type: ignore[arg-type]


def test_the_service_gets_the_files_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\xffpicture")
    service = Service()
    answer = answered(service, tmp_path / "a")
    assert service.got == [b"\0\xffpicture"]
    assert answer == FileAnswer(hashlib.sha256(b"\0\xffpicture").hexdigest(), report=AnalysisReport({}, ()))


def test_the_service_is_told_which_eye_it_is_where_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    service = Service()
    for eye in (EyeSide.LEFT, None):
        answered(service, tmp_path / "a", eye=eye)
        assert service.told is eye


def test_what_the_service_refuses_has_its_code_and_its_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    answer = answered(Service(NotAPicture("damaged")), tmp_path / "a")
    assert answer.refusal == Refusal("not_a_picture", "damaged")
    assert answer.report is None


def test_a_file_that_cannot_be_read_is_a_refusal(tmp_path: Path) -> None:
    answer = answered(Service(), tmp_path / "gone")
    assert answer == FileAnswer(
        None, refusal=Refusal("unreadable_file", "the file cannot be read: No such file or directory")
    )


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1024 * 1024 + 1))
    service = Service()
    answer = answered(service, tmp_path / "a", largest_bytes=1024 * 1024)
    assert service.got == []
    assert answer.refusal == Refusal("file_too_large", "the file has 2 MiB, more than the 1 allowed (MAX_BODY_MB)")


def test_what_breaks_the_service_is_logged_and_does_not_stop_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    answer = answered(Service(ZeroDivisionError()), tmp_path / "a")
    assert answer.refusal == Refusal("internal_error", "the service failed on it (ZeroDivisionError)")
    assert "the service failed on a picture" in caplog.text
    assert str(tmp_path) not in caplog.records[0].getMessage()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
@pytest.mark.timeout(30)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    answer = answered(Service(), tmp_path / "x.jpg")
    assert answer.refusal == Refusal("unreadable_file", "the file cannot be read: it is no regular file")
