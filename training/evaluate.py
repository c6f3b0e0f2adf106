"""The command that tests the service on labelled pictures: `python -m training.evaluate --data DIR`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from src.config.settings import load_settings
from src.core.errors import StartupError
from src.core.types import ModelInfo
from src.services.startup import prepare_process
from src.utils.progress import Progress
from training.arguments import at_least
from training.data.pictures import LabelledPicture, count_trained_on, find_pictures
from training.evaluation.bootstrap import shown
from training.evaluation.examination import Examination, examine_with, without_eye
from training.evaluation.measures import measure_cases
from training.report.report import overlap_sentence, write_report

_UNKNOWN_OVERLAP = "The model's card does not list its training pictures: some of these may be among them."


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluates and writes the report; returns the exit status."""
    options = _parse(arguments)
    try:
        settings = load_settings()
        if options.model is not None:
            settings = settings.model_copy(update={"model_path": options.model.absolute()})
        prepare_process(settings)
        pictures = find_pictures(options.data, settings.classes, all_classes=False)
        options.out.mkdir(parents=True, exist_ok=True)
        examination, model = examine_with(settings, pictures, Progress("pictures", len(pictures)).advance)
        if not examination.cases:
            raise ValueError(f"the service found no eye in any picture: {examination.left_out[0].problem}")
    except (OSError, ValueError, StartupError) as problem:
        print(f"cannot evaluate: {problem}", file=sys.stderr)
        return 2

    no_eye = without_eye(examination.left_out)
    measured = measure_cases(
        examination.cases, model.classes, examination.groups, no_eye, resamples=options.resamples, seed=options.seed
    )
    trained_on = count_trained_on(examination.examined, settings.model_path)
    measured |= {
        "trained_on": trained_on,
        "model": asdict(model),
        "pictures": len(pictures),
        "reasons": dict(Counter(reason for case in examination.cases for reason in case.reasons).most_common()),
    }
    notes = _notes(pictures, examination, model, trained_on, options.data)
    title = f"{model.name} {model.short_hash} on {options.data.resolve().name}"
    write_report(options.out, title, notes, measured, examination.cases, examination.left_out)
    _print_table(title, measured, len(examination.left_out))
    print(f"report: {options.out / 'report.html'}")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description="Tests the service on a folder with a folder of pictures per class; some may be missing.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with a folder of pictures per class")
    parser.add_argument("--model", type=Path, help="another model than MODEL_PATH (.h5)")
    parser.add_argument("--out", type=Path, default=Path("build/evaluation"), help="folder for the report")
    parser.add_argument("--resamples", type=at_least(0), default=1000, help="of the bootstrap intervals")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the bootstrap")
    return parser.parse_args(arguments)


def _notes(
    pictures: Sequence[LabelledPicture],
    examination: Examination,
    model: ModelInfo,
    trained_on: Mapping[str, int] | None,
    data: Path,
) -> list[str]:
    notes = [
        f"{len(examination.cases)} eyes were found in {len(examination.examined)} of {len(pictures)} pictures; each "
        "picture went through the service as POST /upload takes it, and each eye counts as one of its picture's class."
    ]
    if trained_on is None:
        notes.append(_UNKNOWN_OVERLAP)
    present = {case.truth for case in examination.cases}
    missing = [name for label, name in enumerate(model.classes) if label not in present]
    if missing:
        notes.append(f"There are no pictures of {', '.join(missing)}: nothing is said of how well these are found.")
    other = sorted(folder.name for folder in data.iterdir() if folder.is_dir() and folder.name not in model.classes)
    if other:
        notes.append(f"These folders are no class of the model and were passed over: {', '.join(other)}.")
    taken = {picture.file for picture in pictures}
    passed_over = sum(file not in taken for name in model.classes for file in data.glob(f"{name}/*"))
    if passed_over:
        notes.append(f"Files in the class folders that are not named as pictures, and were passed over: {passed_over}.")
    return notes


def _print_table(title: str, measured: Mapping[str, Any], left_out: int) -> None:
    print(f"\n{title}: {measured['n']} eyes, {left_out} pictures without an answer")
    trained_on = measured["trained_on"]
    if trained_on is None:
        print(f"Note: {_UNKNOWN_OVERLAP}")
    elif trained_on["pictures"]:
        print(f"WARNING: {overlap_sentence(trained_on)}")
    print(f"  {'':16}{'eyes':>6}{'no eye':>8}  {'sensitivity':24}{'specificity':24}{'precision':24}F1")
    for name, figures in measured["per_class"].items():
        row = "".join(f"{shown(figures[key]):24}" for key in ("sensitivity", "specificity", "precision", "f1"))
        print(f"  {name:16}{figures['n']:>6}{figures['no_eye']:>8}  {row.rstrip()}")
    for key, words in (("accuracy", "accuracy"), ("macro_recall", "macro recall"), ("macro_f1", "macro F1")):
        print(f"  {words:24}{shown(measured[key])}")
    answered = measured["answered"]
    print(f"  {'answered':24}{shown(answered['coverage'])}, right in {shown(answered['accuracy'])}")


if __name__ == "__main__":
    sys.exit(main())
