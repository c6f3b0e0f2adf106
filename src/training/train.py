"""The command that makes the classifier: `python -m src.training.train --data DIR --weights FILE --out FILE.h5`."""

from __future__ import annotations

import argparse
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import keras, tf
from src.training.backbone_weights import load_imagenet_weights
from src.training.cross_validation import CrossValidation
from src.training.features import compute_features
from src.training.fitting import FitRecipe
from src.training.model_card import make_card, write_card
from src.training.network import CLASSES, build_network, install_trained_part, save_network
from src.training.pictures import LabelledPicture, find_pictures
from src.training.progress import Progress
from src.training.samples import CopyPlan, plan_samples
from src.training.split import assign_folds, whole_origins
from src.utils.file_hash import sha256_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains, tests and writes the model and its card; returns the exit status."""
    options = _parse(arguments)
    # Without it two runs on the same machine differ in the last digits, and in the end in a picture or two.
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)

    plan = CopyPlan(copies_per_class=options.copies_per_class, painted_styes=options.painted_styes)
    recipe = FitRecipe(steps=options.steps)
    try:
        pictures = find_pictures(options.data, CLASSES)
        network = build_network()
        load_imagenet_weights(network.get_layer("densenet121"), options.weights)
    except (FileNotFoundError, ValueError) as problem:
        print(f"cannot start: {problem}", file=sys.stderr)
        return 2

    backbone_sha256 = sha256_of(options.weights)
    planned = plan_samples(pictures, plan, options.seed)
    backbone = network.get_layer("densenet121")
    features = compute_features(backbone, backbone_sha256, pictures, planned, options.cache)

    folds = assign_folds(pictures, options.folds)
    origins = sorted({picture.origin for picture in pictures} - set(whole_origins(pictures)))
    models = options.folds + 1 + (len(origins) if options.leave_out_origins else 0)
    progress = Progress(f"steps of {models} models", models * recipe.steps)
    validation = CrossValidation(backbone, pictures, features, recipe, options.seed, progress.advance)
    metrics = {"cross_validation": validation.test_by_fold(folds)}
    if options.leave_out_origins:
        metrics["origins_never_seen"] = {
            "note": "The origins that the folds cut, each left out as a whole: what a new source of pictures costs.",
            **validation.test_by_origin(origins),
        }

    install_trained_part(network, validation.train_without(np.zeros(len(pictures), dtype=bool)))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_network(network, options.out)
    card = make_card(
        model_file=options.out,
        parameters=network.count_params(),
        pictures=pictures,
        samples=features.samples,
        plan=plan,
        recipe=recipe,
        split={"folds": _describe_folds(pictures, folds), "seed": options.seed},
        metrics=metrics,
        software={"python": platform.python_version(), "tensorflow": tf.__version__},
        backbone_sha256=backbone_sha256,
    )
    write_card(card, options.out.with_suffix(".json"))
    _report(metrics["cross_validation"]["pictures"], options.out)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    plan, recipe = CopyPlan(), FitRecipe()
    parser = argparse.ArgumentParser(
        prog="python -m src.training.train",
        description="Trains the eye classifier on a folder with one folder of pictures per class.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help=f"folder with the folders {', '.join(CLASSES)}")
    parser.add_argument(
        "--weights", type=Path, required=True, help="Keras' ImageNet weights of DenseNet121 without top (.h5)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("src/assets/models/eyenet_model_52k_ds.h5"), help="where the model is written"
    )
    parser.add_argument("--cache", type=Path, default=Path("build/training"), help="folder for computed features")
    parser.add_argument("--folds", type=_at_least(2), default=5, help="parts of the cross-validation")
    parser.add_argument(
        "--leave-out-origins", action="store_true", help="also test on each large origin by a model that saw none of it"
    )
    parser.add_argument("--steps", type=_at_least(1), default=recipe.steps, help="batches that each model is shown")
    parser.add_argument(
        "--copies-per-class", type=_at_least(0), default=plan.copies_per_class, help="augmented copies of each class"
    )
    parser.add_argument(
        "--painted-styes",
        type=_at_least(0),
        default=plan.painted_styes,
        help="styes painted on eyes of the other classes",
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    return parser.parse_args(arguments)


def _at_least(smallest: int) -> Any:
    def parse(text: str) -> int:
        value = int(text)
        if value < smallest:
            raise argparse.ArgumentTypeError(f"must be {smallest} or more, not {value}")
        return value

    parse.__name__ = "int"
    return parse


def _describe_folds(
    pictures: Sequence[LabelledPicture], folds: npt.NDArray[np.int64]
) -> list[dict[str, dict[str, int]]]:
    """Per fold the tested pictures: class -> origin -> count."""
    described: list[dict[str, dict[str, int]]] = []
    for fold in np.unique(folds):
        tested = [picture for picture, number in zip(pictures, folds, strict=True) if number == fold]
        described.append(
            {
                name: dict(sorted(Counter(picture.origin for picture in tested if picture.label == label).items()))
                for label, name in enumerate(CLASSES)
            }
        )
    return described


def _report(summary: dict[str, Any], file: Path) -> None:
    print(f"\n{file}: tested on {summary['n']} pictures, each left out of the training of its judge")
    for name, figures in summary["per_class"].items():
        print(f"  {name:15} recall {figures['recall']} of {figures['n']}")
    print(f"  macro recall {summary['macro_recall']}, accuracy {summary['accuracy']}")


if __name__ == "__main__":
    sys.exit(main())
