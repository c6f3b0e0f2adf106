"""What came out of a folder: counted, as rows of the page, and as a table for spreadsheets."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from src.cli.screening.record import EyeRecord, PictureRecord
from src.cli.screening.wording import reason_in_words, shown_name, side_in_words
from src.utils.data_uri import encode_data_uri


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
    return sorted(eyes, key=lambda pair: (not pair[1].inconclusive, pair[1].confidence, pair[0].file, pair[1].eye))


def render_row(record: PictureRecord, eye: EyeRecord, read_preview: Callable[[str], bytes | None] | None) -> str:
    """The row; its data attributes are what the page's script sorts and filters by.

    Args:
        record: the eye's picture.
        eye: one of its eyes.
        read_preview: see `render_page`; without it, pictures are linked.
    """
    name = escape(shown_name(record.file))
    side = side_in_words(eye)
    heatmap = "<small class=soft>flat</small>" if eye.heatmap is None else ""
    cells = [
        f"<td>{_picture(eye.preview, f'{side}, {name}', read_preview)}</td>",
        f"<td>{heatmap or _picture(eye.heatmap or '', 'the same with the heatmap of its verdict', read_preview)}</td>",
        f'<td class="file">{name}<br><small class="soft">{side}</small></td>',
        f'<td class="verdict">{_verdict(eye)}</td>',
        f"<td>{_scores(eye)}</td>",
        f'<td class="number">{"" if eye.unfamiliarity is None else f"{eye.unfamiliarity:.2f}"}</td>',
    ]
    data = {
        "file": shown_name(record.file),
        "rank": f"{0 if eye.inconclusive else 1} {eye.best_prediction}",
        "verdict": eye.best_prediction,
        "certainty": "inconclusive" if eye.inconclusive else "answered",
        "confidence": str(eye.confidence),
        "unfamiliarity": "" if eye.unfamiliarity is None else str(eye.unfamiliarity),
    }
    attributes = " ".join(f'data-{key}="{escape(value)}"' for key, value in data.items())
    return f"<tr {attributes}>{''.join(cells)}</tr>"


def _verdict(eye: EyeRecord) -> str:
    best = escape(eye.best_prediction)
    if not eye.inconclusive:
        return f'<small class="soft">looks most like</small><strong>{best}</strong>'
    reasons = "".join(f"<li>{escape(reason_in_words(reason))}</li>" for reason in eye.reasons)
    return f'<span class="badge">Inconclusive</span><br>most like {best}<ul class="small">{reasons}</ul>'


def _scores(eye: EyeRecord) -> str:
    rows = []
    for name, score in eye.average_scores.items():
        best = ' class="best"' if name == eye.best_prediction else ""
        bar = f'<dd class="bar" aria-hidden="true"><i style="width:{score:.0f}%"></i></dd>'
        rows.append(f"<dt{best}>{escape(name)}</dt>{bar}<dd{best}>{score:.1f} %</dd>")
    return f'<dl class="scores">{"".join(rows)}</dl>'


def _picture(file: str, words: str, read_preview: Callable[[str], bytes | None] | None) -> str:
    """`words` and `file` are HTML already."""
    if read_preview is None:
        return f'<a href="previews/{file}" target="_blank">picture</a>'
    jpeg = read_preview(file)
    if jpeg is None:
        return '<small class="soft">gone</small>'
    return f'<img src="{encode_data_uri(jpeg, "image/jpeg")}" alt="{words}" loading="lazy">'


# A cell that begins with one of these is run as a formula by spreadsheets (OWASP, "CSV Injection"), the wide forms too.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render_eyes(records: Iterable[PictureRecord], classes: Sequence[str]) -> bytes:
    """The whole table, with a byte order mark, without which Excel takes the names for another encoding."""
    text = io.StringIO(newline="")
    # Quotes around every cell: where lists are separated by semicolons, a name with one in it would be two cells.
    table = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    heading = ["file", "eye", "best_prediction", "inconclusive", "reasons", "confidence_percent"]
    heading += [f"{name}_percent" for name in classes]
    heading += ["unfamiliarity", "found_by", "file_sha256", "model_sha256", "screened_at"]
    table.writerow([_harmless(cell) for cell in heading])
    for record, eye in in_reading_order(records):
        table.writerow(
            [
                _harmless(shown_name(record.file)),
                eye.eye,
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
            ]
        )
    return codecs.BOM_UTF8 + text.getvalue().encode("utf-8")


def _harmless(cell: str) -> str:
    """The cell as text: spreadsheets take an apostrophe in front as the sign of it, and do not show it."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
