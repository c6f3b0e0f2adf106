"""Everything that is made out of the results: the page, the table, and what the console says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from src.cli.screening.page import PageFacts, render_page
from src.cli.screening.record import PictureRecord
from src.cli.screening.report_folder import ReportFolder, write_privately
from src.cli.screening.tables import Tally, render_eyes
from src.cli.screening.wording import reason_in_words, shown_name

_MOST_NAMED = 10


def write_reports(report: ReportFolder, facts: PageFacts, records: Sequence[PictureRecord]) -> None:
    """Writes eyes.csv and report.html, and deletes the previews of pictures that are no longer in the folder.

    Raises:
        OSError: one of them cannot be written.
    """
    write_privately(report.eyes, render_eyes(records, facts.classes))
    page = render_page(facts, records, lambda name: _read(report.preview(name)))
    write_privately(report.page, page.encode("utf-8"))
    report.keep_only_previews({name for record in records for name in record.preview_names})


def summary(tally: Tally, records: Sequence[PictureRecord], passed_over: int, unseen: Sequence[str] = ()) -> list[str]:
    """The lines for the console; see `PictureSearch` for the last two."""
    lines = [f"{tally.pictures} pictures, {tally.eyes} eyes, {tally.inconclusive} of them inconclusive"]
    lines += _counted("answered", {name: sure for name, (sure, _) in tally.verdicts.items()})
    lines += _counted("inconclusive", tally.reasons, reason_in_words)
    refused = [record for record in records if record.refusal is not None]
    if refused:
        lines.append(f"  without an answer: {len(refused)}")
        lines += [
            f"    {shown_name(record.file)}: {record.refusal.sentence}"
            for record in refused[:_MOST_NAMED]
            if record.refusal
        ]
        if len(refused) > _MOST_NAMED:
            lines.append(f"    and {len(refused) - _MOST_NAMED} more: see the report")
    if unseen:
        lines.append(f"  not looked into, because they cannot be read: {len(unseen)}")
        lines += [f"    {shown_name(name)}" for name in unseen[:_MOST_NAMED]]
    if passed_over:
        lines.append(f"  other files, no pictures: {passed_over}")
    return lines


def _counted(title: str, counts: dict[str, int], in_words: Callable[[str], str] = str) -> list[str]:
    if not any(counts.values()):
        return []
    return [f"  {title}:", *(f"    {number:>6}  {in_words(name)}" for name, number in counts.items() if number)]


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
