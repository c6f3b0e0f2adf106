"""The report for people: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from src.cli.screening.record import Conditions, PictureRecord
from src.cli.screening.tables import Tally, count, in_reading_order, render_row
from src.cli.screening.wording import reason_in_words, shown_name
from src.config.settings import ASSETS_DIR
from src.core.wording import NOTICE
from src.utils.html_page import self_contained_page

MOST_PICTURED: Final = 2000
"""Eyes whose pictures are on the page; more would make a page that no browser likes. The others' are linked."""

_PRIVACY = (
    "This page holds pictures of people, and what a program said of their eyes. Keep it, and pass it on, as you would "
    "the photographs themselves."
)
_ASSETS = ASSETS_DIR / "screening"
_COLUMNS = (
    ("Eye", ""),
    ("Heatmap", ""),
    ("File", 'data-key="file"'),
    ("Verdict", 'data-key="rank"'),
    ("Scores", 'data-key="confidence" data-number'),
    ("Unfamiliarity", 'class="number" data-key="unfamiliarity" data-number'),
)


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the page says beside the eyes.

    Attributes:
        title: the folder's name.
        classes: of the model, in its order.
        conditions: under which all eyes were answered.
        passed_over: how many files of the folder are no pictures.
        unseen: names of what could not be looked into, see `PictureSearch`.
        left: how many pictures wait to be screened, because the screening was interrupted.
        made_at: date and time in words.
    """

    title: str
    classes: Sequence[str]
    conditions: Conditions
    passed_over: int
    left: int
    made_at: str
    unseen: Sequence[str] = ()


def render_page(facts: PageFacts, records: Sequence[PictureRecord], read_preview: Callable[[str], bytes | None]) -> str:
    """The page.

    Args:
        facts: see `PageFacts`.
        records: of all pictures.
        read_preview: file name -> JPEG; None where it has gone.
    """
    tally = count(records, facts.classes)
    title = f"Eye screening: {shown_name(facts.title)}"
    parts = [
        f"<header>\n<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(facts.made_at)}</p>',
        f'<div class="notice" role="note"><p><strong>{escape(NOTICE)}</strong></p><p>{escape(_PRIVACY)}</p></div>',
        *_unfinished(facts),
        f"{_figures(tally)}\n</header>\n<main>",
        '<div class="tables">',
        *_verdicts(tally),
        *_reasons(tally),
        "</div>",
        *_unanswered(records),
        *_eyes(facts, records, read_preview),
        *_how_to_read(facts),
        "</main>",
        _footer(facts),
    ]
    style, script = ((_ASSETS / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return self_contained_page(title, style, "\n".join(parts), script)


def _unfinished(facts: PageFacts) -> list[str]:
    sentences = []
    if facts.left:
        sentences.append(f"Not finished: {facts.left} pictures of this folder are not screened, and not on this page.")
    if facts.unseen:
        names = ", ".join(map(shown_name, facts.unseen))
        sentences.append(f"Not looked into, because they cannot be read: {names}.")
    return [f'<div class="notice" role="note"><p><strong>{escape(one)}</strong></p></div>' for one in sentences]


def _figures(tally: Tally) -> str:
    figures = {
        "pictures screened": tally.pictures,
        "eyes found": tally.eyes,
        "eyes with an answer": tally.eyes - tally.inconclusive,
        "eyes inconclusive": tally.inconclusive,
        "files without an answer": tally.unanswered,
    }
    cells = (f"<div><dt>{name}</dt><dd>{number}</dd></div>" for name, number in figures.items())
    return f'<dl class="figures">{"".join(cells)}</dl>'


def _verdicts(tally: Tally) -> list[str]:
    rows = [(name, str(sure), str(unsure)) for name, (sure, unsure) in tally.verdicts.items()]
    caption = "What the eyes look most like. An inconclusive eye should be looked at, or photographed again."
    return ["<section><h2>Verdicts</h2>", _table(caption, ("class", "answered", "inconclusive"), rows), "</section>"]


def _reasons(tally: Tally) -> list[str]:
    if not tally.reasons:
        return []
    rows = [(reason_in_words(reason), str(number)) for reason, number in tally.reasons.items()]
    caption = "An eye may have several reasons."
    return ["<section><h2>Why eyes are inconclusive</h2>", _table(caption, ("reason", "eyes"), rows), "</section>"]


def _unanswered(records: Sequence[PictureRecord]) -> list[str]:
    refused = [(record.file, record.refusal.sentence) for record in records if record.refusal is not None]
    if not refused:
        return []
    rows = [(shown_name(name), sentence) for name, sentence in refused]
    return [
        f"<h2>Files without an answer: {len(rows)}</h2>",
        _table("Nothing was screened in these.", ("file", "why"), rows, numbers=False),
    ]


def _eyes(
    facts: PageFacts, records: Sequence[PictureRecord], read_preview: Callable[[str], bytes | None]
) -> Iterable[str]:
    eyes = in_reading_order(records)
    if not eyes:
        yield "<h2>Eyes</h2><p>No eye was found in any picture.</p>"
        return
    yield f"<h2>Eyes: {len(eyes)}</h2>"
    yield "<p>Inconclusive ones first, then those with the least confidence.</p>"
    if len(eyes) > MOST_PICTURED:
        yield (
            f"<p>The pictures of the first {MOST_PICTURED} are on this page; those of the others are linked, and open "
            "only while the folder <code>previews</code> is beside it.</p>"
        )
    yield _controls(facts.classes)
    heads = "".join(f'<th scope="col" {attributes}>{name}</th>' for name, attributes in _COLUMNS)
    yield f'<div class="scroll"><table class="eyes"><thead><tr>{heads}</tr></thead><tbody>'
    for place, (record, eye) in enumerate(eyes):
        yield render_row(record, eye, read_preview if place < MOST_PICTURED else None)
    yield "</tbody></table></div>"


def _controls(classes: Sequence[str]) -> str:
    options = "".join(f"<option>{escape(name)}</option>" for name in classes)
    return (
        '<div class="controls" role="search" hidden>'
        '<div><label for="filter-text">Find in file names, verdicts and reasons</label>'
        '<input id="filter-text" type="search" autocomplete="off"></div>'
        '<div><label for="filter-verdict">Most like</label>'
        f'<select id="filter-verdict"><option value="">any class</option>{options}</select></div>'
        '<div><label for="filter-certainty">Show</label><select id="filter-certainty">'
        '<option value="">all eyes</option>'
        '<option value="inconclusive">inconclusive</option><option value="answered">answered</option></select></div>'
        '<div id="count" class="soft" role="status"></div>'
        '<div class="pages"><button type="button" id="previous">Previous</button><span id="place"></span>'
        '<button type="button" id="next">Next</button></div></div>'
    )


def _how_to_read(facts: PageFacts) -> list[str]:
    calibrated = (
        "The scores are calibrated: of answers with 90 %, about nine in ten were right on pictures like those that the "
        "model learnt from. Where disease is rarer than it was there, a positive answer is right less often than its "
        "score says."
        if facts.conditions["calibrated"]
        else "The scores of this model are not calibrated: 90 % does not mean right in nine cases of ten."
    )
    known = ", ".join(facts.classes)
    sentences = [
        f"<b>Verdict</b>: the class with the highest score. The model knows {escape(known)}, and nothing else: another "
        "disease mostly gets one of these names.",
        "<b>Inconclusive</b>: there is a reason not to rely on the answer; what is most likely is named all the same.",
        f"<b>Scores and confidence</b>: {calibrated}",
        "<b>Unfamiliarity</b>: how unlike the training pictures the eye is; 1 is as unlike as 1 in 40 healthy eyes "
        "that the model did not know. Empty for a model without such statistics.",
        "<b>Heatmap</b>: where in the picture the evidence for the verdict is, red most. It is coarse, and that it "
        "lies in a sensible place does not prove that the verdict is right.",
        "<b>Left and right</b> are the person's own. A picture of one eye without a face does not show which it is.",
    ]
    return ["<h2>How to read this</h2>", "<ul>", *(f"<li>{sentence}</li>" for sentence in sentences), "</ul>"]


def _footer(facts: PageFacts) -> str:
    conditions = facts.conditions
    settings = ", ".join(f"{name}={value}" for name, value in conditions["settings"].items())
    return (
        '<footer class="small soft">'
        f"<p>EyeNet Backend {escape(str(conditions['version']))}, model {escape(str(conditions['model']))}, SHA-256 "
        f"<code>{escape(str(conditions['model_sha256']))}</code>, {escape(str(conditions['precision']))}.</p>"
        f"<p>Settings: <code>{escape(settings)}</code></p>"
        f"<p>Other files in the folder that are no pictures: {facts.passed_over}.</p></footer>"
    )


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """Rows headed by their first cell; the other cells are numbers, or texts."""
    kind = ' class="number"' if numbers else ""
    heads = "".join(f'<th scope="col"{kind if place else ""}>{escape(name)}</th>' for place, name in enumerate(head))
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td{kind}>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
