"""The report for people: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from src.cli.screening.picture_search import PictureSearch
from src.cli.screening.record import Conditions, EyeRecord, PictureRecord
from src.cli.screening.tables import count, in_reading_order, reason_in_words, shown_name
from src.config.settings import ASSETS_DIR
from src.core.types import EyeSide, SideSource
from src.core.wording import NOTICE
from src.utils.data_uri import encode_data_uri
from src.utils.templates import render_template, source_hash

_MOST_PICTURED: Final = 2000
"""Eyes whose pictures are on the page; more would make a page that no browser likes. The others' are linked."""

_ASSETS = ASSETS_DIR / "screening"
_SIDES = {EyeSide.LEFT: "left eye", EyeSide.RIGHT: "right eye", EyeSide.UNKNOWN: "one eye, side not known"}
_KNOWN_FROM = {
    SideSource.FACE: ", by the face",
    SideSource.INNER_CORNER: ", by its inner corner",
    SideSource.CALLER: ", by the name of the file or folder",
}


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the page says beside the eyes.

    Attributes:
        title: the folder's name.
        classes: of the model, in its order.
        conditions: under which all eyes were answered.
        search: what the folder holds.
        left: how many pictures wait to be screened, because the screening was interrupted.
        made_at: date and time in words.
    """

    title: str
    classes: Sequence[str]
    conditions: Conditions
    search: PictureSearch
    left: int
    made_at: str


def render_page(
    facts: PageFacts,
    records: Sequence[PictureRecord],
    read_preview: Callable[[str], bytes | None],
    most_pictured: int = _MOST_PICTURED,
) -> str:
    """The page of all pictures' records; `read_preview` gives the JPEG of a name, None where it has gone."""

    def data_uri(preview: str) -> str | None:
        jpeg = read_preview(preview)
        return None if jpeg is None else encode_data_uri(jpeg, "image/jpeg")

    tally = count(records, facts.classes)
    style, script = ((_ASSETS / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return render_template(
        _ASSETS / "report.html",
        style=style,
        script=script,
        script_hash=source_hash(script),
        notice=NOTICE,
        facts=facts,
        conditions=facts.conditions,
        tally=tally,
        verdicts=[(name, *eyes) for name, eyes in tally.verdicts.items()],
        reasons=[(reason_in_words(reason), eyes) for reason, eyes in tally.reasons.items()],
        refused=[(shown_name(record.file), record.refusal.sentence) for record in records if record.refusal],
        unseen=[f"{shown_name(name)} ({why})" for name, why in facts.search.unseen.items()],
        eyes=in_reading_order(records),
        most_pictured=most_pictured,
        data_uri=data_uri,
        reason_in_words=reason_in_words,
        shown_name=shown_name,
        side_in_words=side_in_words,
    )


def side_in_words(eye: EyeRecord) -> str:
    """The person's own side, and from what it is known, where it is."""
    return _SIDES[EyeSide(eye.side)] + ("" if eye.side_from is None else _KNOWN_FROM[SideSource(eye.side_from)])
