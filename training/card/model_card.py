"""The card beside the model: what it is, what it learnt from, how well it does, what it must not be used for; and how
all files of a model are written and get to their place.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from src.services.familiarity import FamiliarityStatistics
from src.utils.files import renamed_when_whole, sha256_of, write_then_rename
from training.data.pictures import HASH_DIGITS, ORIGINS, LabelledPicture, is_doubtful
from training.data.split import METHOD
from training.learning.fitting import FitRecipe
from training.learning.network import CLASSES, GRAD_CAM_LAYER, INPUT_SIDE
from training.learning.samples import CopyPlan, Sample, SampleKind
from training.learning.training_set import CLASS_SHARES, REAL_STYE_SHARE

_SUFFIXES = (".familiarity.npz", ".h5", ".json", ".md")
"""Statistics of the training pictures, the model, and its card for programs and for people."""

_RELATION = (
    "The figures belong to the recipe: each is of a model trained with it on the other folds (or origins). Those of "
    "the pictures were answered by the whole service, with a temperature and statistics of familiarity fitted on the "
    "other folds' pictures; those of copies, painted styes and unseen origins by the network alone, with the eye "
    "where it was found in the picture that they were made of. The eye finder learnt from many of the same pictures, "
    "so it finds eyes in them at least as well as in others. The shipped weights come from the same recipe trained "
    "once more on all pictures, so they were never tested themselves. How styes are painted, how long to train and "
    "which labels to leave out was chosen with a look at results on some of the same folds, and at the real styes, so "
    "the figures are somewhat better than those on pictures that nobody has looked at."
)
_LIMITATIONS = (
    *ORIGINS["limitations"],
    "Only the last dense blocks and what follows them are trained; the rest of the backbone is as ImageNet left it.",
    "Calibration holds for pictures like those of training, with their share of each disease; among people who use it "
    "disease is rarer, and a positive answer is right less often than its score says.",
    "Another eye disease is mostly answered as one of the four classes; the figures below say how many are called "
    "unfamiliar.",
    "The heatmaps of cataract and conjunctivitis were trained to lie on the opening of the eye, those of styes on the "
    "painted bump: that they lie there is no proof that the class is right.",
    "An eye that looks unlike the training pictures is called unfamiliar; so are some eyes of left-out folds, as the "
    "table of what is held back says. From which value on something counts as no eye was chosen with a look at the "
    "pictures it is tested with.",
    "Skin tones, ages, cameras and the prevalence of disease differ from those among the people who use it.",
)
_INTENDED_USE = (
    "Demonstration and research. Not a medical device: it must not be used to diagnose, to treat or to decide "
    "whether to see a physician."
)
_LICENCES = {
    "backbone_weights": "Keras DenseNet121, ImageNet, 3-Clause BSD",
    "training_pictures": ORIGINS["licence"],
}


def make_card(
    model_file: Path,
    parameters: int,
    pictures: Sequence[LabelledPicture],
    samples: Sequence[Sample],
    answering: dict[str, Any],
    plan: CopyPlan,
    recipe: FitRecipe,
    split: dict[str, Any],
    metrics: dict[str, Any],
    operating_points: dict[str, Any],
    software: dict[str, str],
    backbone_sha256: str,
) -> dict[str, Any]:
    """The card of a model that has been written to `model_file`, ready for JSON; `answering` is what
    `write_answering_card` returned for it.
    """
    return {
        "name": "EyeNet",
        "file": model_file.name,
        **answering,
        "created": datetime.now(timezone.utc).date().isoformat(),
        "input": {
            "height": INPUT_SIDE,
            "width": INPUT_SIDE,
            "channels": "RGB",
            "range": [0, 1],
            "preparation": "crop of one eye with skin around it, squeezed to the square, divided by 255; what lies "
            "outside of the photo has the mean colour of what is on it",
        },
        "grad_cam_layer": GRAD_CAM_LAYER,
        "parameters": parameters,
        "intended_use": _INTENDED_USE,
        "limitations": list(_LIMITATIONS),
        "aims": compare_with_aims(metrics),
        "operating_points": operating_points,
        "training_data": _training_data(pictures, samples),
        "training": {
            "backbone": "DenseNet121, ImageNet weights, input normalisation folded in, frozen up to "
            f"{recipe.frozen_up_to}",
            "backbone_weights_sha256": backbone_sha256,
            "copies": asdict(plan),
            "fit": asdict(recipe),
            "class_shares": CLASS_SHARES,
            "real_share_of_styes": REAL_STYE_SHARE,
            "software": software,
        },
        "split": {"method": METHOD, **split},
        "metrics": {"of_the_shipped_weights": _RELATION, **metrics},
        "licences": _LICENCES,
    }


def _training_data(pictures: Sequence[LabelledPicture], samples: Sequence[Sample]) -> dict[str, Any]:
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(picture.file.read_bytes())
    with_eye = {sample.picture for sample in samples}
    learnt = [pictures[index] for index in sorted(with_eye) if not is_doubtful(pictures[index])]
    copies = Counter(
        (CLASSES[sample.label], sample.kind.value) for sample in samples if not is_doubtful(pictures[sample.picture])
    )
    return {
        "pictures": len(pictures),
        "pictures_sha256": digest.hexdigest(),
        "not_learnt_from": sorted(picture.file.name for picture in pictures if is_doubtful(picture)),
        "why_not": "They do not show what their label says; they are tested on as labelled.",
        "per_class": dict(Counter(CLASSES[picture.label] for picture in pictures)),
        "per_class_and_origin": {
            name: dict(Counter(picture.origin for picture in pictures if picture.label == label).most_common())
            for label, name in enumerate(CLASSES)
        },
        "no_eye_found_per_class": {
            name: sum(picture.label == label for index, picture in enumerate(pictures) if index not in with_eye)
            for label, name in enumerate(CLASSES)
        },
        "duplicate_groups": len({picture.group for picture in pictures}),
        "painted_styes": copies["Stye", SampleKind.PAINTED_STYE.value],
        "samples_per_class_and_kind": {
            name: {kind: count for (label, kind), count in sorted(copies.items()) if label == name} for name in CLASSES
        },
        # So that an evaluation can say which of its pictures are no test.
        "picture_hashes": sorted(sha256_of(picture.file)[:HASH_DIGITS] for picture in learnt),
    }


def compare_with_aims(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the model was meant to reach, a row per aim: `aim`, `target`, `is` (least or most), `measured`, `reached`.

    `measured` and `reached` are None where it was not measured; `metrics` are those of the card.
    """
    validation = metrics["cross_validation"]
    pictures = validation["pictures"]
    healthy = validation["by_origin"]["Healthy"]
    webcam = [healthy[origin] for origin in ORIGINS["webcam_like"] if origin in healthy]
    found, unseen, answered, right = (
        sum(count[key] for count in webcam) for key in ("n", "no_eye", "answered", "right_of_answered")
    )
    false_alarms = round(1 - right / answered, 4) if answered else None
    coverage = round(answered / (found + unseen), 4) if found + unseen else None
    auroc = {name: found["auroc_of_unfamiliarity"] for name, found in metrics.get("strangers", {}).items()}
    heatmaps = metrics["heatmaps"]["left_out"]
    pointing = None if heatmaps is None else heatmaps["pointing"]["strict"]["heatmap"]
    at_specificity = {name: found["sensitivity_at_specificity_95"] for name, found in pictures["per_class"].items()}
    return [
        _aim("macro F1", "least", 0.92, pictures["macro_f1"]),
        _aim("sensitivity for Cataract at specificity 0.95", "least", 0.90, at_specificity["Cataract"]),
        _aim("sensitivity for Conjunctivitis at specificity 0.95", "least", 0.90, at_specificity["Conjunctivitis"]),
        _aim("false alarms on answered webcam-like healthy eyes", "most", 0.05, false_alarms),
        _aim("share of webcam-like healthy eyes that are answered", "least", 0.85, coverage),
        _aim("real styes found", "least", 0.8, pictures["per_class"]["Stye"]["sensitivity"]),
        _aim("expected calibration error, 15 bins", "most", 0.05, pictures["calibration"]["ece_15_bins"]),
        _aim("AUROC of no eye against eyes", "least", 0.95, auroc.get("not_an_eye")),
        _aim("AUROC of other eye conditions against eyes", "least", 0.80, auroc.get("other_eye_conditions")),
        _aim("pointing game on painted styes", "least", 0.8, pointing),
    ]


def _aim(words: str, bound: str, target: float, measured: Any) -> dict[str, Any]:
    value = measured["value"] if isinstance(measured, Mapping) else measured
    reached = None if value is None else value >= target if bound == "least" else value <= target
    return {"aim": words, "target": target, "is": bound, "measured": measured, "reached": reached}


def write_answering_card(
    model_file: Path, temperature: float, familiarity: FamiliarityStatistics, familiarity_layer: str, **figures: Any
) -> dict[str, Any]:
    """Writes the statistics beside the model, and a card of only those sections that the service reads, with which the
    model can be tested; returns these. `figures` are sections that say how far answers can be relied on, where that is
    known.
    """
    statistics = model_file.with_suffix(".familiarity.npz")
    familiarity.save(statistics)
    sections = {
        "sha256": sha256_of(model_file),
        "classes": list(CLASSES),
        "fills_crops": True,
        "calibrated": True,
        "calibration": {"method": "temperature scaling", "temperature": temperature},
        "familiarity": {
            "layer": familiarity_layer,
            "statistics": statistics.name,
            "sha256": sha256_of(statistics),
        },
        **figures,
    }
    write_card(sections, model_file.with_suffix(".json"))
    return sections


def write_card(card: dict[str, Any], file: Path) -> None:
    """Writes a card as JSON, UTF-8."""
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_then_rename(file, text.encode("utf-8"))


def put_in_place(draft: Path, target: Path) -> None:
    """Copies the model `draft` (.h5) and what belongs to it beside and over `target`, each file in one piece."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in _SUFFIXES:
        with renamed_when_whole(target.with_suffix(suffix)) as unfinished:
            shutil.copyfile(draft.with_suffix(suffix), unfinished)
