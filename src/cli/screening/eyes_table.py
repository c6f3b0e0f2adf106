"""The eyes as a table for spreadsheets and statistics: CSV (RFC 4180), UTF-8, one row per eye."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence

from src.cli.screening.record import PictureRecord
from src.cli.screening.tally import in_reading_order
from src.cli.screening.wording import shown_name

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
