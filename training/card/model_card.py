"""The card beside the model: what it is, what it learnt from, how well it does, what it must not be used for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from src.utils.files import sha256_of
from training.card.aims import compare_with_aims
from training.data.doubtful_labels import is_doubtful
from training.data.pictures import LabelledPicture
from training.data.split import METHOD
from training.data.training_overlap import HASH_DIGITS
from training.learning.balance import CLASS_SHARES, REAL_STYE_SHARE
from training.learning.fitting import FitRecipe
from training.learning.network import CLASSES, CUT_LAYER, GRAD_CAM_LAYER, INPUT_SIDE
from training.learning.samples import CopyPlan, Sample, SampleKind

_RELATION = (
    "The figures belong to the recipe: each is of a model trained with it on the other folds (or origins). Those of "
    "the pictures were answered by the whole service, with a temperature and statistics of familiarity fitted on the "
    "other folds' pictures; those of copies, painted styes and unseen origins by the network alone, without looking "
    "for a face. The shipped weights come from the same recipe trained once more on all pictures, so they were never "
    "tested themselves. How styes are painted, how long to train and which labels to leave out was chosen with a look "
    "at results on some of the same folds, and at the real styes, so the figures are somewhat better than those on "
    "pictures that nobody has looked at."
)
_LIMITATIONS = (
    "Few real styes were available; most of what the model knows of styes is painted on photographs of other eyes.",
    "Nearly all conjunctivitis pictures have one origin; most cataract pictures are close-ups of advanced cataract.",
    "Labels are those of the publishers; some are visibly wrong, and no physician has checked them.",
    "Only the last dense block and what follows it are trained; the rest of the backbone is as ImageNet left it.",
    "Calibration holds for pictures like those of training, with their share of each disease; among people who use it "
    "disease is rarer, and a positive answer is right less often than its score says.",
    "Another eye disease is mostly answered as one of the four classes; the figures below say how many are called "
    "unfamiliar.",
    "The heatmaps of cataract and conjunctivitis were trained to lie on the opening of the eye, those of styes on the "
    "painted bump: that they lie there is no proof that the class is right.",
    "An eye that looks unlike the training pictures is called unfamiliar; so is about a third of the cataracts of "
    "left-out folds. From when on something counts as no eye was chosen with a look at the pictures it is tested with.",
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
            "preparation": "crop of one eye, squeezed to the square, divided by 255",
        },
        "grad_cam_layer": GRAD_CAM_LAYER,
        "parameters": parameters,
        "intended_use": _INTENDED_USE,
        "limitations": list(_LIMITATIONS),
        "aims": compare_with_aims(metrics),
        "operating_points": operating_points,
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
    learnt = [picture for picture in pictures if not is_doubtful(picture)]
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
        "duplicate_groups": len({picture.group for picture in pictures}),
        "painted_styes": copies["Stye", SampleKind.PAINTED_STYE.value],
        "samples_per_class_and_kind": {
            name: {kind: count for (label, kind), count in sorted(copies.items()) if label == name} for name in CLASSES
        },
        # So that an evaluation can say which of its pictures are no test.
        "picture_hashes": sorted(sha256_of(picture.file)[:HASH_DIGITS] for picture in learnt),
    }
