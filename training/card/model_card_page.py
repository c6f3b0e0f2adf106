"""The card as a page that people read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.report.html_page import shown

_KNOWN_FAILURES = """\
Seen in the worst mistakes of the model that came with this code, in words; another model has a contact sheet of its own
in the report of its training:

- **Styes that are none.** Dark, bluish or blurred webcam crops with a red smear of light or a lens flare near the eye;
  a reddish upper lid in the shade of a close-up; a conjunctivitis whose lids are swollen as well.
- **A cataract in a brown, bloodshot eye** is called conjunctivitis: the redness outweighs a brown lens. So are most of
  the missed pictures of an origin that consists of turned copies with white or smeared borders.
- **A small eye in a wide picture** (a cheek, a brow and half a face around it) is called healthy, whatever it has: the
  lens or the redness is then a few pixels wide. A whole face is better than half of one, because its eyes are cut out.
- **A faint or small clouded lens**, grey in a grey iris, is called healthy. A bright reflection in the pupil of an
  elderly eye is called a cataract at times.
- **Mild conjunctivitis**, pink at the corners only, is called healthy.
- **Labels.** A share of the "mistakes" are publishers' errors: clear eyes filed as cataract or conjunctivitis.
- **Spectacles** with thick rims and hair across the eye look unfamiliar. Close-ups through a slit lamp often do.
- **Other eye diseases** get one of the four names; most are not flagged."""

_RETRAINING = """\
```bash
make train DATA=<folder with one folder of pictures per class> WEIGHTS=<DenseNet121 without top, .h5> \\
  ARGS="--mixed-precision --leave-out-origins --not-an-eye <folder> --other-conditions <folder>"
make evaluate DATA=<folder of class folders> ARGS="--model <file.h5>"
```

An interrupted run goes on where it stopped. To swap the model, put the three files it writes (`.h5`, `.json`,
`.familiarity.npz`) where `MODEL_PATH` points. A model without a card runs, too: then nothing is calibrated, and nothing
is unfamiliar."""


def write_page(card: Mapping[str, Any], file: Path) -> None:
    """Writes the page as Markdown, UTF-8."""
    file.write_text(render_page(card), encoding="utf-8")


def render_page(card: Mapping[str, Any]) -> str:
    """The page of a card that `make_card` made."""
    data, validation = card["training_data"], card["metrics"]["cross_validation"]
    pictures = validation["pictures"]
    sections = {
        f"{card['name']}, {card['sha256'][:12]}": f"Made on {card['created']}. All figures are in "
        f"[`{Path(card['file']).with_suffix('.json').name}`]({Path(card['file']).with_suffix('.json').name}).",
        "Intended use": f"{card['intended_use']}\n\n{_bullets(card['limitations'])}",
        "Aims": _aims(card["aims"], validation),
        "What it learnt from": _training_data(data),
        "How it was tested": f"{card['split']['method']}\n\n{card['metrics']['of_the_shipped_weights']}",
        "Per class": _per_class(pictures) + _without_doubtful(validation["without_doubtful_labels"]),
        "If it does not answer where it is not sure": _answered(pictures["answered"], card["operating_points"]),
        "By origin": _by_origin(validation["by_origin"]) + _unseen(card["metrics"].get("origins_never_seen")),
        "Calibration": _calibration(card, validation),
        "Strangers": _strangers(card["metrics"]["strangers"]),
        "Heatmaps": _heatmaps(card["metrics"]["heatmaps"]),
        "Known failures": _KNOWN_FAILURES,
        "How to retrain and swap it": _RETRAINING,
        "Licences": _bullets(f"{name.replace('_', ' ')}: {text}" for name, text in card["licences"].items()),
    }
    (title, opening), *rest = sections.items()
    return "\n\n".join([f"# {title}\n\n{opening}", *(f"## {name}\n\n{text}" for name, text in rest)]) + "\n"


def _aims(rows: Sequence[Mapping[str, Any]], validation: Mapping[str, Any]) -> str:
    verdicts = {True: "yes", False: "**no**", None: "not measured"}
    table = _table(
        ("aim", "target", "measured (95 % interval)", "reached"),
        (
            (row["aim"], f"{_SIGNS[row['is']]} {row['target']}", _figure(row["measured"]), verdicts[row["reached"]])
            for row in rows
        ),
    )
    styes = validation["pictures"]["per_class"]["Stye"]
    return (
        f"{table}\n\nMacro F1 counts the F1 of {styes['n']} real styes ({_figure(styes['f1'])}) as much as that of "
        "each other class: with so few, one false alarm in a hundred other eyes costs more than a missed stye. "
        "The model that came with this code was limited for cataract and conjunctivitis by what there was to learn "
        "from: one large source of conjunctivitis, labels that are wrong, and origins that look unlike each other. "
        "The sensitivity at specificity 0.95 takes the score above which 5 % of the other eyes are, chosen on the same "
        "eyes; the service answers with the best class."
    )


_SIGNS = {"least": "≥", "most": "≤"}


def _training_data(data: Mapping[str, Any]) -> str:
    rows = (
        (name, str(count), ", ".join(f"{origin} {n}" for origin, n in data["per_class_and_origin"][name].items()))
        for name, count in data["per_class"].items()
    )
    return (
        f"{data['pictures']} pictures, {data['duplicate_groups']} groups of duplicates, and {data['painted_styes']} "
        f"painted styes on pictures of the other classes.\n\n{_table(('class', 'pictures', 'origins'), rows)}\n\n"
        f"Nothing was learnt from {len(data['not_learnt_from'])} pictures that do not show what their label says; they "
        "are tested on as labelled. A stye is painted on the margin of a lid: a swelling that begins there, redder "
        "than the skin, shaded, with or without a head. Harmless things are painted on pictures of all classes, so "
        "that paint alone tells nothing."
    )


def _per_class(measured: Mapping[str, Any]) -> str:
    columns = {
        "sensitivity": "sensitivity",
        "specificity": "specificity",
        "precision": "precision",
        "f1": "F1",
        "auroc": "ROC area",
        "sensitivity_at_specificity_95": "sensitivity at specificity 0.95",
    }
    rows = (
        (name, str(figures["n"]), *(_figure(figures[key]) for key in columns))
        for name, figures in measured["per_class"].items()
    )
    overall = "; ".join(
        f"{words} {_figure(measured[key])}"
        for key, words in (("accuracy", "accuracy"), ("macro_recall", "macro recall"), ("macro_f1", "macro F1"))
    )
    matrix = measured["confusion_matrix"]
    names = matrix["rows_true_columns_predicted"]
    counts = (
        (f"**{name}**", *(str(count) for count in row)) for name, row in zip(names, matrix["counts"], strict=True)
    )
    per_class = _table(("class", "eyes", *columns.values()), rows)
    return f"{per_class}\n\n{overall}.\n\n{_table(('true class, said', *names), counts)}"


def _without_doubtful(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return ""
    columns = ("sensitivity", "precision", "sensitivity_at_specificity_95")
    rows = ((name, *(_figure(of_class[key]) for key in columns)) for name, of_class in figures["per_class"].items())
    table = _table(("class", *(column.replace("_", " ") for column in columns)), rows)
    return (
        f"\n\nThe same without the pictures that do not show what their label says ({figures['n']} eyes, macro F1 "
        f"{_figure(figures['macro_f1'])}):\n\n{table}"
    )


def _answered(answered: Mapping[str, Any], points: Mapping[str, Any]) -> str:
    overall = (
        f"It answers {_figure(answered['coverage'])} of the eyes; of these it is right in "
        f"{_figure(answered['accuracy'])}, with a macro F1 of {_figure(answered['macro_f1'])}, and calls "
        f"{_figure(answered['false_alarms_on_healthy'])} of the answered healthy eyes ill."
    )
    classes = next(iter(points["held_back"].values()))
    held_back = (
        (f"`{reason}`", *(str(count) for count in counts.values())) for reason, counts in points["held_back"].items()
    )
    confidence = (
        (
            f"{row['min_confidence']:g}",
            _figure(row["coverage"]),
            _figure(row["accuracy"]),
            _figure(row["accuracy_on_healthy"]),
        )
        for row in points["min_confidence"]
    )
    return (
        f"{overall}\n\nEyes held back, by reason and true class (several reasons may hold):\n\n"
        f"{_table(('reason', *classes), held_back)}\n\nOther values of `MIN_CONFIDENCE`, no other reason counted:\n\n"
        f"{_table(('least confidence', 'answered', 'right', 'right on healthy'), confidence)}"
    )


def _by_origin(by_origin: Mapping[str, Any]) -> str:
    rows = (
        (
            name,
            origin,
            f"{counts['right']} of {counts['n']}",
            f"{counts['right_of_answered']} of {counts['answered']}",
            ", ".join(f"{said} {count}" for said, count in counts["taken_for"].items()) or "-",
        )
        for name, origins in by_origin.items()
        for origin, counts in origins.items()
    )
    return _table(("class", "origin", "right", "right of the answered", "taken for"), rows)


def _unseen(unseen: Mapping[str, Any] | None) -> str:
    if unseen is None:
        return ""
    rows = (
        (origin, name, str(figures["n"]), _figure(figures["recall"]), str(figures["pictures_left_to_learn_from"]))
        for origin, classes in unseen.items()
        for name, figures in classes.items()
    )
    header = ("origin", "class", "pictures", "recall", "pictures of the class left to learn from")
    return f"\n\nThe origins that the folds cut, each left out as a whole:\n\n{_table(header, rows)}"


def _calibration(card: Mapping[str, Any], validation: Mapping[str, Any]) -> str:
    before, after = validation["calibration_before_temperature_scaling"], validation["pictures"]["calibration"]
    copies = validation["degraded_copies_of_the_same_pictures"]
    of_copies = None if copies is None else copies["calibration"]["ece_15_bins"]
    return (
        f"Temperature scaling with T = {card['calibration']['temperature']:g}, fitted on the answers to left-out "
        f"pictures and their copies. Expected calibration error over 15 bins: {_figure(before['ece_15_bins'])} before, "
        f"{_figure(after['ece_15_bins'])} after (each fold with the temperature of the others), "
        f"{_figure(of_copies)} on degraded copies. Brier score, 0 to 2: {_figure(after['brier'])}."
    )


def _strangers(strangers: Mapping[str, Any]) -> str:
    if not strangers:
        return "Not measured."
    rows = (
        (
            name.replace("_", " "),
            str(figures["n"]),
            *(_figure(figures[key]) for key in ("auroc_of_unfamiliarity", "not_an_eye", "unfamiliar", "inconclusive")),
        )
        for name, figures in strangers.items()
    )
    header = ("pictures", "n", "AUROC against eyes", "flagged not an eye", "flagged unfamiliar", "inconclusive")
    return _table(header, rows)


def _heatmaps(heatmaps: Mapping[str, Any]) -> str:
    left_out, shipped = heatmaps["left_out"], heatmaps["shipped"]
    if left_out is None or shipped is None:
        return "Not measured: the lids were found in too few pictures to paint styes on."
    pointing = left_out["pointing"]
    rows = (
        (name.replace("_", " "), *(_figure(figures[key]) for key in ("heatmap", "chance", "centre")))
        for name, figures in pointing.items()
    )
    curves = (
        (curve, *(_figure(left_out[curve][order]) for order in ("heatmap", "random", "centre")))
        for curve in ("deletion", "insertion")
    )
    shuffled = (
        (name.replace("_", " "), _figure(figures["rank_correlation"]))
        for name, figures in shipped["randomisation"].items()
    )
    return (
        f"On {left_out['n']} painted styes on eyes that the model did not know. The hottest place is on the bump in "
        f"this share:\n\n{_table(('tolerance', 'heatmap', 'by chance', 'always the middle'), rows)}\n\n"
        "Probability of a stye while the hottest places are blurred first (deletion, less is better) or shown first "
        f"(insertion, more is better), as area under its curve:\n\n"
        f"{_table(('', 'by heatmap', 'in random order', 'from the middle'), curves)}\n\n"
        f"Rank correlation with the heatmap after weights were shuffled (0: nothing is left of it):\n\n"
        f"{_table(('shuffled', 'correlation'), shuffled)}"
    )


def _figure(measured: Any) -> str:
    if isinstance(measured, Mapping):
        return shown(measured)
    return "-" if measured is None else f"{measured:.3f}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
