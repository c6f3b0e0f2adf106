"""The command that makes the classifier: `python -m training.train --data DIR --weights FILE --out FILE.h5`."""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.config.settings import Settings, load_settings
from src.core.errors import StartupError
from src.services.judgement import Thresholds
from src.services.tensorflow_runtime import enable_memory_growth, keras, tf
from src.utils.files import sha256_of, write_then_rename
from src.utils.progress import Progress
from training.arguments import at_least
from training.card.card_page import render_page
from training.card.model_card import make_card, put_in_place, write_answering_card, write_card
from training.data.pictures import LabelledPicture, UnusablePictures, find_pictures, is_doubtful
from training.data.split import assign_folds, describe_folds, whole_origins
from training.evaluation.bootstrap import shown
from training.evaluation.examination import without_eye
from training.evaluation.measures import measure_cases
from training.finder.labels import LEFT_OUT_ORIGINS
from training.heatmaps.heatmap_quality import heatmaps_of_left_out, heatmaps_of_model
from training.learning.fitting import FitRecipe
from training.learning.network import CLASSES, GRAD_CAM_LAYER, build_network, load_imagenet_weights
from training.learning.rendering import render_all
from training.learning.samples import CopyPlan, plan_samples
from training.learning.trainer import FULL_PRECISION, Trainer, disable_mixed_precision, enable_mixed_precision
from training.report.report import write_report
from training.validation.cross_validation import CrossValidation
from training.validation.figures import (
    describe_operating_points,
    figures_for_card,
    figures_of_unseen_origins,
    find_strangers,
    measure_strangers,
)
from training.validation.quality_limits import quality_of_pictures
from training.validation.reliability import judged_by_other_folds, least_confidence_of, reliability_of

Pictures = Sequence[LabelledPicture]


def main(arguments: Sequence[str] | None = None, heatmap_cases: int = 40, quality_pictures: int = 150) -> int:
    """Trains, tests and writes the model, its card and a report; returns the exit status.

    Besides every picture it looks at so many painted styes on the left-out pictures of each fold, and once more for the
    final model, and at so many pictures that are blurred, darkened and shrunk.
    """
    options = _parse(arguments)
    enable_memory_growth()
    if not tf.config.list_physical_devices("GPU"):
        # Without it two runs on the same machine differ in the last digits, and in the end in a picture or two. On a
        # GPU the gradient of a frozen batch normalisation has no deterministic form.
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(options.seed)
    try:
        settings = load_settings()
        _check_settings(settings)
        pictures = find_pictures(options.data, CLASSES)
        folds = assign_folds(pictures, options.folds)
        _check_folds(pictures, folds, range(len(pictures)))
        folders = {"not_an_eye": options.not_an_eye, "other_eye_conditions": options.other_conditions}
        hosts = _hosts(options.faces)
        strangers = {name: find_strangers(folder) for name, folder in folders.items() if folder is not None}
        network = build_network()
        load_imagenet_weights(network.get_layer("densenet121"), options.weights)
    except (OSError, ValueError, StartupError, UnusablePictures) as problem:
        print(f"cannot start: {problem}", file=sys.stderr)
        return 2
    try:
        _make(options, (heatmap_cases, quality_pictures), settings, pictures, folds, strangers, hosts, network)
    except (OSError, StartupError, UnusablePictures) as problem:
        print(f"cannot go on: {problem}", file=sys.stderr)
        return 2
    return 0


def _check_settings(settings: Settings) -> None:
    """The tests of the model go through the service, hours later."""
    if settings.classes != CLASSES:
        raise StartupError(f"CLASSES is wrong: the training makes a model for {','.join(CLASSES)}, in this order.")
    if settings.grad_cam_layer != GRAD_CAM_LAYER:
        raise StartupError(f"GRAD_CAM_LAYER is wrong: the training asks for heatmaps from {GRAD_CAM_LAYER}.")
    if settings.min_confidence is not None:
        raise StartupError("MIN_CONFIDENCE is wrong: the training chooses it for each class; leave it empty.")
    for name in ("crop_padding_x", "crop_padding_y"):
        usual = Settings.model_fields[name].default
        if getattr(settings, name) != usual:
            raise StartupError(f"{name.upper()} is wrong: the training cuts eyes out with the default of {usual:g}.")


def _check_folds(pictures: Pictures, folds: npt.NDArray[np.int64], usable: Collection[int]) -> None:
    """Of the pictures whose indices are `usable` there are enough in enough folds.

    Styes need not be left to learn from: they are painted as well.
    """
    for label, name in enumerate(CLASSES):
        learnt = [index for index in usable if pictures[index].label == label and not is_doubtful(pictures[index])]
        if name != "Stye" and len(np.unique(folds[learnt])) < 2:
            which = "" if len(usable) == len(pictures) else " in which an eye is found"
            raise UnusablePictures(
                f"all pictures of {name}{which} would be tested together, with none left to learn from: it takes more "
                "of them, or of other origins, than those in one fold"
            )


def _make(
    options: argparse.Namespace,
    checks: tuple[int, int],
    settings: Settings,
    pictures: Pictures,
    folds: npt.NDArray[np.int64],
    strangers: dict[str, list[LabelledPicture]],
    hosts: Sequence[Path],
    network: Any,
) -> None:
    heatmap_cases, quality_pictures = checks
    plan = CopyPlan(copies_per_class=options.copies_per_class, painted_styes=options.painted_styes)
    recipe = FitRecipe(options.frozen_up_to, options.views, options.head_steps, options.steps)
    backbone_sha256 = sha256_of(options.weights)
    planned = plan_samples(pictures, plan, options.seed, len(hosts))
    rendered = render_all(pictures, planned, options.cache, hosts)
    with_eye = {sample.picture for sample in rendered.samples}
    if not with_eye:
        raise UnusablePictures("the service found no eye in any picture")
    _check_folds(pictures, folds, with_eye)

    precision = enable_mixed_precision() if options.mixed_precision else FULL_PRECISION
    origins = _origins_to_leave_out(pictures) if options.leave_out_origins else []
    models = len(np.unique(folds)) + 1 + len(origins)
    progress = Progress(f"steps of {models} models", models * recipe.all_steps)
    trainer = Trainer(
        build_network,
        network.get_layer("densenet121").get_weights(),
        pictures,
        rendered,
        recipe,
        options.seed,
        options.cache / "models",
        precision,
        progress.advance,
    )
    validation = CrossValidation(trainer, pictures, rendered, folds)
    unseen = figures_of_unseen_origins(trainer, pictures, origins) if options.leave_out_origins else None
    trained = trainer.model_without(np.zeros(len(pictures), dtype=bool))
    # The rewriting of graphs for half precision would also change how the models answer below.
    disable_mixed_precision()
    # Put in place only when all is done: a run that stops half-way leaves the model of before with its own card.
    draft = options.cache / "finished" / options.out.name
    draft.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(trained.file, draft)
    write_answering_card(draft, validation.temperature(), validation.familiarity(), trainer.described_layer)
    settings = settings.model_copy(update={"model_path": draft.absolute()})

    tested = validation.test(settings, Progress("pictures through the service", len(pictures)).advance)
    if not tested.cases:
        raise UnusablePictures(f"the service found no eye in any picture: {tested.left_out[0].problem}")
    least_confidence = least_confidence_of(tested.cases, CLASSES)
    tested.cases = judged_by_other_folds(tested.cases, tested.folds, CLASSES)
    no_eye = without_eye(tested.left_out)
    measured = measure_cases(tested.cases, CLASSES, tested.groups, no_eye, seed=options.seed)
    metrics = {
        "cross_validation": figures_for_card(measured, tested, validation),
        **({} if unseen is None else {"origins_never_seen": unseen}),
        "strangers": {name: measure_strangers(settings, found, tested.cases) for name, found in strangers.items()},
        "heatmaps": {
            "left_out": heatmaps_of_left_out(validation.models, pictures, folds, settings, options.seed, heatmap_cases),
            "shipped": heatmaps_of_model(draft, pictures, settings, options.seed, heatmap_cases),
        },
        "quality": quality_of_pictures(pictures, settings, options.seed, quality_pictures),
    }
    answering = write_answering_card(
        draft,
        validation.temperature(),
        validation.familiarity(),
        trainer.described_layer,
        reliability=reliability_of(tested.cases, CLASSES),
        least_confidence=least_confidence,
    )
    thresholds = Thresholds.from_settings(settings, tuple(least_confidence.values()))
    card = make_card(
        model_file=draft,
        parameters=network.count_params(),
        pictures=pictures,
        samples=rendered.samples,
        answering=answering,
        plan=plan,
        recipe=recipe,
        split={"folds": describe_folds(pictures, folds, CLASSES), "seed": options.seed},
        metrics=metrics,
        operating_points=describe_operating_points(tested.cases, no_eye, CLASSES, thresholds),
        software={
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "precision": precision.multiplications,
        },
        backbone_sha256=backbone_sha256,
    )
    write_card(card, draft.with_suffix(".json"))
    write_then_rename(draft.with_suffix(".md"), render_page(card).encode("utf-8"))
    put_in_place(draft, options.out)
    notes = [card["metrics"]["of_the_shipped_weights"]]
    write_report(
        options.report, f"{options.out.name}, cross-validation", notes, measured, tested.cases, tested.left_out
    )
    _print_aims(card["aims"], options)


def _hosts(folder: Path | None) -> list[Path]:
    """The faces, but for those that the eye finder is measured on: models are measured on them, too."""
    if folder is None:
        return []
    return [
        picture.file
        for picture in find_strangers(folder)
        if picture.file.name.partition("_")[0] not in LEFT_OUT_ORIGINS
    ]


def _origins_to_leave_out(pictures: Pictures) -> list[str]:
    """Those that are cut by the folds, and do not hold all there is to learn from."""
    cut = {picture.origin for picture in pictures} - set(whole_origins(pictures))
    learnt_from = [picture.origin for picture in pictures if not is_doubtful(picture)]
    return sorted(origin for origin in cut if any(other != origin for other in learnt_from))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    plan, recipe = CopyPlan(), FitRecipe()
    parser = argparse.ArgumentParser(
        prog="python -m training.train",
        description="Trains the eye classifier on a folder with one folder of pictures per class.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help=f"folder with the folders {', '.join(CLASSES)}")
    add("--weights", type=Path, required=True, help="Keras' ImageNet weights of DenseNet121 without top (.h5)")
    out = Path("build/model/eyenet_model_52k_ds.h5")
    add("--out", type=Path, default=out, help="where the model is written; what is there is replaced")
    add("--cache", type=Path, default=Path("build/training"), help="folder from which a run goes on")
    add("--report", type=Path, default=Path("build/validation"), help="folder for the report")
    help_text = "folder of photos of faces, into which eyes of all classes are put, so that no camera tells a class"
    add("--faces", type=Path, help=help_text)
    add("--not-an-eye", type=Path, help="folder of pictures of anything else, to test with only")
    add("--other-conditions", type=Path, help="folder of other eye diseases, to test with only")
    add("--folds", type=at_least(2), default=5, help="parts of the cross-validation")
    help_text = "also test on each large origin by a model that saw none of it"
    add("--leave-out-origins", action="store_true", help=help_text)
    help_text = "batches on which only the new layers of a model learn"
    add("--head-steps", type=at_least(0), default=recipe.head_steps, help=help_text)
    add("--steps", type=at_least(1), default=recipe.steps, help="batches after these, on which all that learns learns")
    help_text = "samples drawn and augmented, from which all models learn"
    add("--views", type=at_least(1), default=recipe.views, help=help_text)
    help_text = "layer of the backbone behind which it learns; the one before is further from what is seen"
    add("--frozen-up-to", choices=("pool3_pool", "pool2_pool", "pool1"), default=recipe.frozen_up_to, help=help_text)
    add("--mixed-precision", action="store_true", help="multiply in float16 on a GPU, in bfloat16 on a CPU")
    help_text = "augmented copies of each class"
    add("--copies-per-class", type=at_least(0), default=plan.copies_per_class, help=help_text)
    help_text = "styes painted on eyes of the other classes"
    add("--painted-styes", type=at_least(0), default=plan.painted_styes, help=help_text)
    add("--seed", type=int, default=0, help="of everything random")
    return parser.parse_args(arguments)


def _print_aims(aims: Sequence[dict[str, Any]], options: argparse.Namespace) -> None:
    print(f"\n{options.out}: each picture was judged by a model that saw neither it nor its like")
    for row in aims:
        verdict = {True: "reached", False: "NOT reached", None: "not measured"}[row["reached"]]
        print(f"  {row['aim']:55} at {row['is']} {row['target']:<5} {shown(row['measured']):28} {verdict}")
    print(f"report: {options.report / 'report.html'}")


if __name__ == "__main__":
    sys.exit(main())
