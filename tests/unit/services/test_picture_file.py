"""A file goes through the service as an upload does; nothing about it is fatal."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.errors import NotAPicture
from src.core.types import AnalysisReport, Frame
from src.services.image_store import ImageStore
from src.services.picture_file import FileAnswer, Refusal, answer_file, keeping_nothing


class Service:
    """Answers with no eye at all, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.got: list[bytes] = []

    async def analyse_upload(self, frame: Frame) -> AnalysisReport:
        self.got.append(frame.data)
        if self.error is not None:
            raise self.error
        return AnalysisReport({}, ())


def answered(service: Service, file: Path, **options: float) -> FileAnswer:
    return asyncio.run(answer_file(service, file, **options))  # type: ignore[arg-type]


def test_the_service_gets_the_files_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\xffpicture")
    service = Service()
    answer = answered(service, tmp_path / "a")
    assert service.got == [b"\0\xffpicture"]
    assert answer == FileAnswer(hashlib.sha256(b"\0\xffpicture").hexdigest(), report=AnalysisReport({}, ()))


def test_what_the_service_refuses_has_its_code_and_its_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    answer = answered(Service(NotAPicture("damaged")), tmp_path / "a")  # type: ignore[arg-type]
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


def test_nothing_is_saved_and_nothing_of_the_servers_is_deleted(settings: Settings, tmp_path: Path) -> None:
    saving = settings.model_copy(
        update={
            "save_eyes": True,
            "save_temp_images": True,
            "saved_eyes_dir": tmp_path,
            "temp_images_dir": tmp_path,
            "image_retention_hours": 1e-9,
        }
    )
    kept = tmp_path / f"{'0' * 32}.png"
    kept.touch()
    time.sleep(0.01)
    sweep_once(keeping_nothing(saving))
    assert list(tmp_path.iterdir()) == [kept]
    sweep_once(saving)
    assert not kept.exists()


def sweep_once(settings: Settings) -> None:
    store = ImageStore(settings)
    store.save_eye(np.zeros((2, 2, 3), np.uint8))
    store.sweep()
    store.close()
