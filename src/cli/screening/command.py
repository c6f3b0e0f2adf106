"""The command `screen`: a folder of photos through the service, and a report of it."""

from __future__ import annotations

import asyncio
import logging
import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from tqdm.contrib.logging import logging_redirect_tqdm

from src.cli.screening.page import PageFacts, render_page
from src.cli.screening.picture_search import FoundPicture, PictureSearch, find_pictures
from src.cli.screening.record import Conditions, PictureRecord, conditions_of
from src.cli.screening.report_folder import ReportFolder
from src.cli.screening.results_file import ResultsFile, open_results
from src.cli.screening.run import Screening, stop_at_once
from src.cli.screening.tables import count, render_eyes, shown_name, summary
from src.config.settings import Settings, doubts_about_variables, load_settings
from src.core.errors import StartupError
from src.core.wording import NOTICE
from src.utils.files import PRIVATE, write_then_rename
from src.utils.progress import Progress

_FAILED, _WRONG_USAGE, _SOME_WITHOUT_ANSWER, _INTERRUPTED = 1, 2, 3, 130


@dataclass(frozen=True, slots=True)
class _Outcome:
    """
    Attributes:
        records: of the folder's pictures, in their order; those that are left have none.
        left: how many pictures were to be screened in this run and were not.
        exit_code: of a signal; None where the run came to its end.
    """

    records: Sequence[PictureRecord]
    classes: Sequence[str]
    conditions: Conditions
    left: int
    exit_code: int | None


def run_screening(folder: Path, out: Path, *, again: bool) -> int:
    """Screens the photos and reports; returns the exit status. With `again`, whatever the report holds."""
    try:
        settings = load_settings()
        if not folder.is_dir():
            raise StartupError(f"{folder} is not a folder.")
        if out.resolve() == folder.resolve():
            raise StartupError("REPORT must be another folder than the one with the photos.")
    except StartupError as problem:
        return _say(f"cannot screen: {problem}", _WRONG_USAGE)
    for doubt in doubts_about_variables():
        _say(doubt)
    try:
        return _screen(settings, folder, ReportFolder(out), again=again)
    except StartupError as problem:
        return _say(f"cannot screen: {problem}", _FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        what = f"{where}{error.strerror}. What is done stays done: the same command goes on."
        return _say(f"cannot screen: {what}", _FAILED)
    except KeyboardInterrupt:
        stop_at_once(_INTERRUPTED)


def _screen(settings: Settings, folder: Path, report: ReportFolder, *, again: bool) -> int:
    search = find_pictures(folder, report.folder)
    if not search.pictures:
        others = f"{search.passed_over} other files, {len(search.left_out)} hidden, deleted or copies of storage"
        unseen = "".join(f"; not looked into: {shown_name(name)} ({why})" for name, why in search.unseen.items())
        raise StartupError(f"there is no picture in {folder} ({others}{unseen}).")
    report.prepare()
    with open_results(report.results) as results:
        if results.repaired:
            _say("the last line of results.jsonl was half-written and has been cut off")
        if results.damaged:
            lines = f"{results.damaged} lines of results.jsonl are damaged or of another version"
            _say(f"{lines}; what they were about is screened again")
        _say(f"{len(search.pictures)} pictures; loading the model")
        outcome = _answer(settings, search.pictures, report, results, again=again)
        return _report(folder, report, search, outcome, again=again)


def _answer(
    settings: Settings, pictures: Sequence[FoundPicture], report: ReportFolder, results: ResultsFile, *, again: bool
) -> _Outcome:
    # Imported here: TensorFlow takes seconds, and whatever is wrong with the folders was said before.
    from src.services.startup import start_services  # noqa: PLC0415

    services = start_services(settings, keeps_pictures=False)
    try:
        conditions = conditions_of(settings, services.model)
        waiting = list(pictures)
        if not again:
            # Previews go with what is not reported, and a screening under other conditions may have been in between.
            waiting = results.without_answer(
                pictures, conditions, lambda record: report.has_previews(record.preview_names)
            )
        if len(waiting) < len(pictures):
            _say(f"{len(pictures) - len(waiting)} are screened already, {len(waiting)} are left")
        screening = Screening(services, report, results, conditions, settings.max_body_bytes)
        before = dict(results.records)
        with (
            closing(Progress("pictures", len(waiting))) as progress,
            # What the service logs meanwhile has a line of its own.
            logging_redirect_tqdm([logging.getLogger("eyenet")]),
            screening.stops_on_signal(),
        ):
            asyncio.run(screening.run(waiting, progress.advance))
        left = sum(results.records.get(picture.name) is before.get(picture.name) for picture in waiting)
        records = results.about(pictures, conditions)
        return _Outcome(records, services.model.classes, conditions, left, screening.exit_code)
    finally:
        services.close()


def _report(folder: Path, report: ReportFolder, search: PictureSearch, outcome: _Outcome, *, again: bool) -> int:
    facts = PageFacts(
        title=folder.resolve().name,
        classes=outcome.classes,
        conditions=outcome.conditions,
        search=search,
        left=len(search.pictures) - len(outcome.records),
        made_at=datetime.now(timezone.utc).strftime("%d %B %Y, %H:%M UTC"),
    )
    page = render_page(facts, outcome.records, report.read_preview)
    write_then_rename(report.eyes, render_eyes(outcome.records, outcome.classes), PRIVATE)
    write_then_rename(report.page, page.encode("utf-8"), PRIVATE)
    report.keep_only_previews({name for record in outcome.records for name in record.preview_names})
    tally = count(outcome.records, outcome.classes)
    for line in summary(tally, outcome.records, search):
        print(line)
    print(f"report: {report.page}\n{NOTICE}")
    if outcome.exit_code is not None:
        command = shlex.join(["python", "-m", "src.cli", "screen", str(folder), "--out", str(report.folder)])
        to_go_on = (
            f"keep their earlier answers. To begin anew: {command} --again"
            if again
            else f"are left. To go on: {command}"
        )
        return _say(f"interrupted: {outcome.left} pictures {to_go_on}", outcome.exit_code)
    return _SOME_WITHOUT_ANSWER if tally.unanswered or search.unseen else 0


def _say(sentence: str, exit_code: int = 0) -> int:
    print(sentence, file=sys.stderr)
    return exit_code
