"""One row of the page's table: an eye with its pictures, verdict, scores and doubts."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from src.cli.screening.record import EyeRecord, PictureRecord
from src.cli.screening.wording import reason_in_words, shown_name, side_in_words
from src.utils.data_uri import encode_data_uri


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
