"""Labelled pictures go through the service as an upload does, and come back as cases."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from src.config.settings import Settings
from src.core.errors import NoEyesDetected
from src.core.types import EyeReport, EyeSide, ModelInfo, Probabilities, RgbImage
from src.services.analysis import EyeAnalysis
from src.services.picture_file import FileAnswer, answer_file
from src.services.startup import load_services
from src.utils.preprocessing import shrink_to_fit
from training.data.pictures import LabelledPicture

MOST_MISTAKES: Final = 24
"""On a contact sheet."""
_LONGEST_PREVIEW_SIDE = 256
"""Enough for a contact sheet; the service's own previews would take a megabyte each."""


@dataclass(frozen=True, slots=True)
class Case:
    """One eye of one picture.

    Attributes:
        preview: what the service looked at; None once nobody will look at it any more.
        overlay: `preview` with the heatmap of the class that was said; None where the map is flat.
        reasons: why the service is not sure, by their values in answers; empty if it is.
        unfamiliarity: see `EyePrediction`; None where nobody compared.
    """

    file: str
    truth: int
    probabilities: Probabilities
    preview: RgbImage | None = None
    overlay: RgbImage | None = None
    reasons: tuple[str, ...] = ()
    unfamiliarity: float | None = None

    @property
    def said(self) -> int:
        return int(self.probabilities.argmax())

    @property
    def wrongness(self) -> float:
        """The probability of the wrong class that was said; 0 if it was the right one."""
        return 0.0 if self.said == self.truth else float(self.probabilities[self.said])


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A picture that the service did not answer.

    Attributes:
        problem: the sentence that says why.
        no_eye: because it found no eye in it; else it could not read the file.
    """

    picture: LabelledPicture
    problem: str
    no_eye: bool

    @property
    def file(self) -> str:
        return _name(self.picture)


@dataclass(slots=True)
class Examination:
    """What came back: a case per eye, in the order of the pictures, of which only the worst mistakes keep their pixels;
    the group of each case's picture; and the pictures that gave a case.
    """

    cases: list[Case] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    examined: list[LabelledPicture] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def examine_with(
    settings: Settings, pictures: Sequence[LabelledPicture], on_picture: Callable[[], None] = lambda: None
) -> tuple[Examination, ModelInfo]:
    """Starts the services of these settings, examines, and stops them.

    Raises:
        StartupError: the settings' model or another part cannot be loaded.
    """
    services = load_services(settings, keeps_pictures=False)
    try:
        return asyncio.run(
            examine(services.analysis, pictures, settings.worker_thread_count, on_picture)
        ), services.model
    finally:
        services.close()


async def examine(
    analysis: EyeAnalysis,
    pictures: Sequence[LabelledPicture],
    at_once: int,
    on_picture: Callable[[], None] = lambda: None,
) -> Examination:
    """Sends every picture through `EyeAnalysis.analyse_upload`, as POST /upload does, several at once.

    A face gives up to two eyes, each a case of the picture's label. What the service refuses is listed, not fatal.
    """
    examination = Examination()
    # A heap of (wrongness, minus index into cases), the least wrong on top; of equally wrong ones the last, as in
    # `worst_mistakes`.
    mistakes: list[tuple[float, int]] = []
    for start in range(0, len(pictures), at_once):
        batch = pictures[start : start + at_once]
        answers = await asyncio.gather(*(answer_file(analysis, picture.file) for picture in batch))
        for picture, answer in zip(batch, answers, strict=True):
            _keep(examination, mistakes, picture, answer)
            on_picture()
    return examination


def _keep(
    examination: Examination, mistakes: list[tuple[float, int]], picture: LabelledPicture, answer: FileAnswer
) -> None:
    """Drops the pixels of all but the worst mistakes, so that folders of any size fit into memory."""
    name = _name(picture)
    if answer.refusal is not None:
        no_eye = answer.refusal.code == NoEyesDetected.code
        examination.left_out.append(LeftOut(picture, answer.refusal.sentence, no_eye))
    eyes = {} if answer.report is None else answer.report.eyes
    if eyes:
        examination.examined.append(picture)
    for side in EyeSide:
        if side in eyes:
            cases = examination.cases
            several = len(eyes) > 1
            cases.append(_case(f"{name} ({side.value} eye)" if several else name, picture, eyes[side]))
            examination.groups.append(picture.group)
            heapq.heappush(mistakes, (cases[-1].wrongness, 1 - len(cases)))
            if len(mistakes) > MOST_MISTAKES:
                _, minus_index = heapq.heappop(mistakes)
                cases[-minus_index] = replace(cases[-minus_index], preview=None, overlay=None)


def _case(name: str, picture: LabelledPicture, eye: EyeReport) -> Case:
    return Case(
        file=name,
        truth=picture.label,
        probabilities=eye.probabilities,
        preview=_small(eye.preview),
        overlay=_small(eye.overlay),
        reasons=tuple(reason.value for reason in eye.reasons),
        unfamiliarity=eye.unfamiliarity,
    )


def _name(picture: LabelledPicture) -> str:
    return f"{picture.file.parent.name}/{picture.file.name}"


def without_eye(left_out: Sequence[LeftOut]) -> list[LabelledPicture]:
    """The pictures in which the service found no eye: they count as eyes that it did not answer."""
    return [one.picture for one in left_out if one.no_eye]


def _small(picture: RgbImage | None) -> RgbImage | None:
    # A copy, because a view would keep the whole picture in memory.
    return None if picture is None else shrink_to_fit(picture, _LONGEST_PREVIEW_SIDE).copy()


def worst_mistakes(cases: Sequence[Case]) -> list[Case]:
    """At most `MOST_MISTAKES` cases, the highest probability of a wrong class first."""
    mistakes = [case for case in cases if case.wrongness > 0]
    return sorted(mistakes, key=lambda case: -case.wrongness)[:MOST_MISTAKES]
