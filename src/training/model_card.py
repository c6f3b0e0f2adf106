"""The card beside the model: what it is, what it learnt from, how well it does, what it must not be used for."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from src.training.balance import CLASS_SHARES, REAL_STYE_SHARE
from src.training.fitting import FitRecipe
from src.training.network import CLASSES, CUT_LAYER, GRAD_CAM_LAYER, INPUT_SIDE
from src.training.pictures import LabelledPicture
from src.training.samples import CopyPlan, Sample, SampleKind
from src.training.split import METHOD
from src.utils.file_hash import sha256_of

_RELATION = (
    "The figures belong to the recipe: each is of a model trained with it on the other folds (or origins). The shipped "
    "weights come from the same recipe trained once more on all pictures, so they were never tested themselves. How "
    "styes are painted and how long to train was chosen with a look at earlier results on the same folds, and at the "
    "real styes, so the figures are somewhat better than those on pictures that nobody has looked at."
)
_LIMITATIONS = (
    "Few real styes were available; most of what the model knows of styes is painted on photographs of other eyes.",
    "Nearly all conjunctivitis pictures have one origin; most cataract pictures are close-ups of advanced cataract.",
    "Labels are those of the publishers; some are visibly wrong, and no physician has checked them.",
    "Only the last layers are trained; most of the backbone is as it was trained on ImageNet.",
    "Scores are not calibrated: 90 % does not mean right in nine cases of ten.",
    "Every picture gets one of the four classes, also one that shows another disease or no eye.",
    "Heatmaps of styes lie about one place (a seventh of the crop) up and to the left of painted bumps, on average: "
    "the training does not ask for the right place.",
    "Skin tones, ages, cameras and the prevalence of disease differ from those among the people who use it.",
)
_INTENDED_USE = (
    "Demonstration and research. Not a medical device: it must not be used to diagnose, to treat or to decide "
    "whether to see a physician."
)
_LICENCES = {
    "backbone_weights": "Keras DenseNet121, ImageNet, 3-Clause BSD",
    "training_pictures": "photographs that public repositories published without a photo licence; none is shipped",
}


def write_card(card: dict[str, Any], file: Path) -> None:
    """Writes the card as JSON, UTF-8."""
    file.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def make_card(
    model_file: Path,
    parameters: int,
    pictures: Sequence[LabelledPicture],
    samples: Sequence[Sample],
    plan: CopyPlan,
    recipe: FitRecipe,
    split: dict[str, Any],
    metrics: dict[str, Any],
    software: dict[str, str],
    backbone_sha256: str,
) -> dict[str, Any]:
    """The card of a model that has been written to `model_file`, ready for JSON."""
    return {
        "name": "EyeNet",
        "file": model_file.name,
        "sha256": sha256_of(model_file),
        "created": datetime.now(timezone.utc).date().isoformat(),
        "classes": list(CLASSES),
        "input": {
            "height": INPUT_SIDE,
            "width": INPUT_SIDE,
            "channels": "RGB",
            "range": [0, 1],
            "preparation": "crop of one eye, squeezed to the square, divided by 255",
        },
        "grad_cam_layer": GRAD_CAM_LAYER,
        "parameters": parameters,
        "calibrated": False,
        "intended_use": _INTENDED_USE,
        "limitations": list(_LIMITATIONS),
        "training_data": _training_data(pictures, samples),
        "training": {
            "backbone": f"DenseNet121, ImageNet weights, input normalisation folded in, frozen up to {CUT_LAYER}",
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
    copies = Counter((CLASSES[sample.label], sample.kind.value) for sample in samples)
    return {
        "pictures": len(pictures),
        "pictures_sha256": digest.hexdigest(),
        "per_class": dict(Counter(CLASSES[picture.label] for picture in pictures)),
        "per_class_and_origin": {
            name: dict(Counter(picture.origin for picture in pictures if picture.label == label).most_common())
            for label, name in enumerate(CLASSES)
        },
        "duplicate_groups": len({picture.group for picture in pictures}),
        "painted_styes": sum(sample.kind is SampleKind.PAINTED_STYE for sample in samples),
        "samples_per_class_and_kind": {
            name: {kind: count for (label, kind), count in sorted(copies.items()) if label == name} for name in CLASSES
        },
    }
