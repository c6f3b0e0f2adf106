"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from src.utils.data_uri import encode_data_uri
from src.utils.html_page import self_contained_page

NOTICE: Final = (
    "EyeNet is not a medical device. These figures describe these pictures; they do not say how well it does on other "
    "people and cameras, and they are no ground for a diagnosis."
)

_STYLE = """
:root { color-scheme: light dark; --ink: #22303c; --soft: #5b6b78; --page: #ffffff; --line: #dde3e8; --card: #f5f7f9;
  --alert: #8a2c0a; --alert-page: #fdeee7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ed; --soft: #9fb0bd; --page: #14191e; --line: #33404a; --card: #1d242b; --alert: #ffc4a8;
    --alert-page: #40210f; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .5rem; font-size: 1.7rem; } h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem; }
p, li { max-width: 46rem; } .soft, caption { color: var(--soft); font-size: .9rem; }
.notice, .alert { max-width: none; padding: .75rem 1rem; border-left: 4px solid var(--line); background: var(--card); }
.alert { border-color: var(--alert); background: var(--alert-page); color: var(--alert); font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; padding-top: .4rem; }
th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td small { display: block; color: var(--soft); white-space: nowrap; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; } img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
"""

_OVERALL = {"accuracy": "accuracy", "macro_recall": "macro recall", "macro_f1": "macro F1"}
_OF_ANSWERED = {
    "coverage": "answered",
    **_OVERALL,
    "false_alarms_on_healthy": "answered healthy pictures called a disease",
}
_PER_CLASS = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "auroc": "ROC area",
    "average_precision": "average precision",
    "sensitivity_at_specificity_95": "sensitivity at 95 % specificity",
}
_PER_CLASS_OF_ANSWERED = {"coverage": "answered", **{key: _PER_CLASS[key] for key in list(_PER_CLASS)[:4]}}


def render_page(
    title: str,
    notes: Sequence[str],
    measured: Mapping[str, Any],
    plots: Mapping[str, bytes],
    contact_sheet: bytes | None,
) -> str:
    """The page.

    Args:
        title: its heading.
        notes: sentences about these figures, shown before them.
        measured: what `measure` returns; also `trained_on`, `reasons` and `left_out`, where there are any.
        plots: what each shows -> PNG.
        contact_sheet: the worst mistakes, PNG.
    """
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="notice">{escape(NOTICE)}</p>', *_overlap(measured)]
    if notes:
        parts.append("<ul>" + "".join(f"<li>{escape(note)}</li>" for note in notes) + "</ul>")
    parts += [
        f"<h2>All {measured['n']} eyes, each with the class that scored highest</h2>",
        _table(("figure", "value and 95 % interval"), _rows(_OVERALL, measured)),
        _class_table(_PER_CLASS, measured["per_class"], "eyes"),
        f'<p class="soft">{escape(measured["intervals"]["method"])}</p>',
        *_answered(measured),
        "<h2>Plots</h2>",
        '<div class="plots">' + "".join(_image(name, png) for name, png in plots.items()) + "</div>",
        *_confidence(measured),
        "<h2>Worst mistakes</h2>",
        "<p>The highest probability of a wrong class first; beside each eye the places that spoke for that class.</p>"
        + _image("Worst mistakes with their heatmaps", contact_sheet)
        if contact_sheet
        else "<p>None: every eye scored highest in its own class.</p>",
        *_left_out(measured),
    ]
    return self_contained_page(title, _STYLE, "\n".join(parts))


def overlap_sentence(trained_on: Mapping[str, int]) -> str:
    """What it means that the model learnt from some of the pictures."""
    return (
        f"The model was trained on {trained_on['pictures']} of these {trained_on['of']} pictures: figures on them are "
        "no evidence of how well it does on others."
    )


def shown(estimate: Mapping[str, Any]) -> str:
    """Such as `0.812 (0.765 to 0.851)`; a dash for what is not defined."""
    if estimate["value"] is None:
        return "-"
    interval = estimate["interval"]
    return f"{estimate['value']:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def _overlap(measured: Mapping[str, Any]) -> list[str]:
    trained_on = measured.get("trained_on")
    if not trained_on:
        return []
    if not trained_on["pictures"]:
        return [f"<p>None of these {trained_on['of']} picture files was trained on.</p>"]
    return [f'<p class="alert">{escape(overlap_sentence(trained_on))}</p>']


def _answered(measured: Mapping[str, Any]) -> list[str]:
    answered = measured.get("answered")
    if not answered:
        return []
    return [
        f"<h2>The {answered['n']} eyes on which the service gave an answer</h2>",
        _table(("figure", "value and 95 % interval"), _rows(_OF_ANSWERED, answered)),
        _class_table(_PER_CLASS_OF_ANSWERED, answered["per_class"], "eyes answered"),
        *_reasons(measured),
    ]


def _reasons(measured: Mapping[str, Any]) -> list[str]:
    reasons = measured.get("reasons")
    if not reasons:
        return []
    rows = [(reason, str(count)) for reason, count in reasons.items()]
    return ["<p>Why the others got none; an eye may have several reasons.</p>", _table(("reason", "eyes"), rows)]


def _confidence(measured: Mapping[str, Any]) -> list[str]:
    calibration, risk = measured["calibration"], measured["risk_coverage"]
    rows = [
        ("expected calibration error, 15 bins", f"{calibration['ece_15_bins']:.3f}"),
        ("Brier score, summed over classes (0 is best, 2 is worst)", f"{calibration['brier']:.3f}"),
        ("area under risk and coverage (0 is best)", f"{risk['area']:.3f}"),
        *(
            (f"accuracy of the most confident {float(at):.0%}", f"{accuracy:.3f}")
            for at, accuracy in risk["accuracy_at_coverage"].items()
        ),
    ]
    return ["<h2>How far its confidence can be trusted</h2>", _table(("figure", "value"), rows)]


def _left_out(measured: Mapping[str, Any]) -> list[str]:
    left_out = measured.get("left_out")
    if not left_out:
        return []
    rows = [(entry["file"], entry["problem"]) for entry in left_out]
    return [f"<h2>Pictures without an answer: {len(rows)}</h2>", _table(("file", "why"), rows)]


def _rows(names: Mapping[str, str], figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(words, shown(figures[key])) for key, words in names.items()]


def _class_table(names: Mapping[str, str], per_class: Mapping[str, Any], count_name: str) -> str:
    rows = [(name, str(figures["n"]), *(shown(figures[key]) for key in names)) for name, figures in per_class.items()]
    return _table(("class", count_name, *names.values()), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str) -> str:
    """The interval goes under its value, so that tables of many columns stay narrow."""
    value, bracket, interval = text.partition(" (")
    if bracket and " to " in interval:
        return f"{escape(value)}<small>{escape(interval.rstrip(')'))}</small>"
    return escape(text)


def _image(name: str, png: bytes) -> str:
    uri = encode_data_uri(png, "image/png")
    return f'<figure><img src="{uri}" alt="{escape(name)}"></figure>'
