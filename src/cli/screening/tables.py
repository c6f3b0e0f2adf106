"""What came out of a folder: counted, in words for the console, and as a table for spreadsheets."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from src.cli.screening.picture_search import PictureSearch
from src.cli.screening.record import EyeRecord, PictureRecord
from src.core.wording import REASONS

_MOST_NAMED = 10
# A cell that begins with one of these is run as a formula by spreadsheets (OWASP, "CSV Injection"), the wide forms too.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the pictures' eyes.

    Attributes:
        pictures: all of them, answered or not.
        unanswered: those without an answer.
        eyes: of those with one.
        inconclusive: eyes that have a reason for doubt.
        verdicts: class -> (eyes with that answer, eyes of which it is the likeliest but inconclusive).
        reasons: reason -> inconclusive eyes that have it, the most frequent first; an eye may have several.
    """

    pictures: int
    unanswered: int
    eyes: int
    inconclusive: int
    verdicts: dict[str, tuple[int, int]]
    reasons: dict[str, int]


def count(records: Sequence[PictureRecord], classes: Iterable[str]) -> Tally:
    """The tally of these pictures."""
    eyes = [eye for record in records for eye in record.eyes]
    sure = Counter(eye.best_prediction for eye in eyes if not eye.inconclusive)
    unsure = Counter(eye.best_prediction for eye in eyes if eye.inconclusive)
    return Tally(
        pictures=len(records),
        unanswered=sum(record.refusal is not None for record in records),
        eyes=len(eyes),
        inconclusive=sum(unsure.values()),
        verdicts={name: (sure[name], unsure[name]) for name in classes},
        reasons=dict(Counter(reason for eye in eyes for reason in eye.reasons).most_common()),
    )


def in_reading_order(records: Iterable[PictureRecord]) -> list[tuple[PictureRecord, EyeRecord]]:
    """Every eye with its picture: inconclusive ones first, then the least confident."""
    eyes = [(record, eye) for record in records for eye in record.eyes]
    return sorted(eyes, key=lambda pair: (not pair[1].inconclusive, pair[1].confidence, pair[0].file, pair[1].side))


def reason_in_words(reason: str) -> str:
    """Such as `too dark`; a reason of another version stays as it is."""
    return next((words.short for known, words in REASONS.items() if known.value == reason), reason)


def shown_name(name: str) -> str:
    """A file's name as any place can show it: no line ends, no terminal codes, no bytes that are no text."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def summary(tally: Tally, records: Sequence[PictureRecord], search: PictureSearch) -> list[str]:
    """The lines for the console: what came out of the pictures, and what else the folder holds."""
    lines = [f"{tally.pictures} pictures, {tally.eyes} eyes, {tally.inconclusive} of them inconclusive"]
    lines += _counted("answered", {name: sure for name, (sure, _) in tally.verdicts.items()})
    lines += _counted("inconclusive", tally.reasons, reason_in_words)
    refused = [f"{shown_name(record.file)}: {record.refusal.sentence}" for record in records if record.refusal]
    if refused:
        lines.append(f"  without an answer: {len(refused)}")
        lines += _first(refused)
    if search.unseen:
        lines.append(f"  not looked into: {len(search.unseen)}")
        lines += _first([f"{shown_name(name)}: {why}" for name, why in search.unseen.items()])
    if search.left_out:
        lines.append(f"  left out, because hidden, deleted or copies of storage: {len(search.left_out)}")
        lines += _first([shown_name(name) for name in search.left_out])
    if search.passed_over:
        lines.append(f"  other files, no pictures: {search.passed_over}")
    return lines


def _first(named: Sequence[str]) -> list[str]:
    more = len(named) - _MOST_NAMED
    return [f"    {line}" for line in named[:_MOST_NAMED]] + (
        [f"    and {more} more: see the report"] if more > 0 else []
    )


def _counted(title: str, counts: dict[str, int], in_words: Callable[[str], str] = str) -> list[str]:
    if not any(counts.values()):
        return []
    return [f"  {title}:", *(f"    {number:>6}  {in_words(name)}" for name, number in counts.items() if number)]


def render_eyes(records: Iterable[PictureRecord], classes: Sequence[str]) -> bytes:
    """The whole table, with a byte order mark, without which Excel takes the names for another encoding."""
    text = io.StringIO(newline="")
    # Quotes around every cell: where lists are separated by semicolons, a name with one in it would be two cells.
    table = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    heading = ["file", "eye", "best_prediction", "inconclusive", "reasons", "confidence_percent"]
    heading += [f"{name}_percent" for name in classes]
    heading += ["unfamiliarity", "found_by", "file_sha256", "model_sha256", "screened_at"]
    heading += ["side", "side_from", "box", "faces_seen", "expected_precision"]
    table.writerow([_harmless(cell) for cell in heading])
    for record, eye in in_reading_order(records):
        table.writerow(
            [
                _harmless(shown_name(record.file)),
                # What this column was called and held before there was `side`.
                f"{eye.side}_eye",
                _harmless(eye.best_prediction),
                str(eye.inconclusive).lower(),
                " ".join(eye.reasons),
                eye.confidence,
                *(eye.average_scores[name] for name in classes),
                "" if eye.unfamiliarity is None else eye.unfamiliarity,
                eye.found_by,
                record.sha256,
                record.conditions["model_sha256"],
                record.screened_at,
                eye.side,
                eye.side_from or "",
                " ".join(str(eye.box[key]) for key in ("x", "y", "w", "h")),
                record.faces_seen,
                "" if eye.expected_precision is None else eye.expected_precision,
            ]
        )
    return codecs.BOM_UTF8 + text.getvalue().encode("utf-8")


def _harmless(cell: str) -> str:
    """The cell as text: spreadsheets take an apostrophe in front as the sign of it, and do not show it."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
