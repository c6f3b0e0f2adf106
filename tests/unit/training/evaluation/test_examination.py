"""Every picture goes through the service; what comes back is kept, but not all of its pixels."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from src.core.errors import NoEyesDetected
from src.core.types import AnalysisReport, Box, EyeReport, EyeSide, EyeSource, Frame, Reason
from training.data.pictures import find_pictures
from training.evaluation.examination import MOST_MISTAKES, Case, Examination, examine, without_eye, worst_mistakes

CLASSES = ["Healthy", "Stye"]
UNSURE = 0.58


class SpokenFor:
    """Answers by what is written in the file: the probability of a stye per eye; "none" for no eye."""

    def __init__(self) -> None:
        self.asked = 0

    @staticmethod
    def read_headers(frames: list[Frame]) -> Frame:
        (frame,) = frames
        return frame

    async def analyse_upload(self, frame: Frame, *, eye: EyeSide | None) -> AnalysisReport:
        assert eye is None
        self.asked += 1
        # Of those asked at once, the first answer comes last.
        seconds = 0.02 * (self.asked % 2)
        words = frame.data.decode().split()
        if words == ["none"]:
            raise NoEyesDetected
        await asyncio.sleep(seconds)
        return AnalysisReport({side: report(side, float(word)) for side, word in zip(EyeSide, words, strict=False)}, ())


def report(side: EyeSide, of_stye: float) -> EyeReport:
    preview = np.zeros((512, 300, 3), np.uint8)
    probabilities = np.array([1 - of_stye, of_stye], np.float32)
    confidence = float(probabilities.max())
    return EyeReport(
        side=side,
        probabilities=probabilities,
        best_class=int(probabilities.argmax()),
        frames_seen=1,
        preview=preview,
        overlay=None,
        source=EyeSource.LANDMARKS,
        confidence=confidence,
        reasons=(Reason.LOW_CONFIDENCE, Reason.BLURRY) if confidence < UNSURE else (),
        box=Box(0, 0, 300, 512),
    )


def examined(folder: Path, files: dict[str, str]) -> tuple[Examination, int]:
    for name, words in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(words, encoding="utf-8")
    service, progress = SpokenFor(), []
    pictures = find_pictures(folder, CLASSES, all_classes=False)
    examination = asyncio.run(examine(service, pictures, 2, lambda: progress.append(1)))  # type: ignore[arg-type]
    return examination, len(progress)


def test_every_eye_is_a_case_in_the_order_of_the_pictures_and_what_is_refused_is_listed(tmp_path: Path) -> None:
    (tmp_path / "Stye" / "folder.jpg").mkdir(parents=True)
    files = {"Healthy/1.jpg": "0.1", "Healthy/2.jpg": "none", "Healthy/face.jpg": "0.1 0.8", "Stye/3.jpg": "0.55"}
    examination, progress = examined(tmp_path, files)
    assert [(case.file, case.truth, case.said, case.reasons) for case in examination.cases] == [
        ("Healthy/1.jpg", 0, 0, ()),
        ("Healthy/face.jpg (left eye)", 0, 0, ()),
        ("Healthy/face.jpg (right eye)", 0, 1, ()),
        ("Stye/3.jpg", 1, 1, ("low_confidence", "blurry")),
    ]
    assert progress == 5
    assert len(set(examination.groups)) == len(examination.examined) == 3
    assert [left_out.file for left_out in examination.left_out] == ["Healthy/2.jpg", "Stye/folder.jpg"]
    assert examination.left_out[0].problem == "No valid eye images detected"
    # A file that cannot be read is no eye that was overlooked.
    assert [(picture.file.name, picture.label) for picture in without_eye(examination.left_out)] == [("2.jpg", 0)]


def test_only_the_worst_mistakes_keep_their_pixels_and_these_are_small(tmp_path: Path) -> None:
    files = {f"Healthy/{n:02}.jpg": str(0.6 + 0.3 * (n * 7 % 40) / 40) for n in range(40)}
    examination, _ = examined(tmp_path, files)
    worst = worst_mistakes(examination.cases)
    assert len(worst) == MOST_MISTAKES
    kept = [case for case in examination.cases if case.preview is not None]
    assert kept == [case for case in examination.cases if any(case is one for one in worst)]
    assert kept[0].preview is not None
    assert kept[0].preview.shape == (256, 150, 3)
    assert kept[0].preview.base is None


def test_equally_wrong_mistakes_on_the_sheet_have_their_pixels(tmp_path: Path) -> None:
    examination, _ = examined(tmp_path, {f"Healthy/{n:02}.jpg": "0.9" for n in range(MOST_MISTAKES + 6)})
    assert all(case.preview is not None for case in worst_mistakes(examination.cases))


def test_a_wrong_answer_is_as_wrong_as_it_is_sure_and_a_right_one_not_at_all() -> None:
    unsure = Case("a.jpg", 0, np.array([0.4, 0.3, 0.3], np.float32))
    assert (unsure.said, unsure.wrongness) == (0, 0)
    case = Case("a.jpg", 0, np.array([0.1, 0.8, 0.1], np.float32))
    assert case.said == 1
    assert case.wrongness == pytest.approx(0.8)


def test_the_surest_mistakes_come_first_right_answers_not_at_all_and_only_as_many_as_fit_on_a_sheet() -> None:
    def eye(of_stye: float, truth: int = 0) -> Case:
        return Case("Healthy/x.jpg", truth, np.array([1 - of_stye, of_stye], np.float32))

    right, unsure, sure = eye(0.9, truth=1), eye(0.6), eye(0.99)
    assert worst_mistakes([right, unsure, sure]) == [sure, unsure]
    assert len(worst_mistakes([eye(0.6 + i / 200) for i in range(MOST_MISTAKES + 5)])) == MOST_MISTAKES
