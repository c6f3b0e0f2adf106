"""The card as a page that people read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.utils.templates import render_template
from training.evaluation.bootstrap import shown

_TEMPLATE = Path(__file__).with_name("card.md.jinja")
_KNOWN_FAILURES = Path(__file__).with_name("known_failures.json")
"""SHA-256 of a model -> what somebody saw in its contact sheets: `seen` (where), `aims` (why some were not reached),
`failures` (a line of Markdown each). A retrained model has none until somebody has looked.
"""


def render_page(card: Mapping[str, Any]) -> str:
    """The page of a card that `make_card` made, as Markdown."""
    known = json.loads(_KNOWN_FAILURES.read_text(encoding="utf-8"))
    return render_template(
        _TEMPLATE,
        escape=False,
        card=card,
        json_name=Path(card["file"]).with_suffix(".json").name,
        known=known.get(card["sha256"]),
        figure=shown,
        figures=lambda measured, *names: [shown(measured[name]) for name in names],
    )
