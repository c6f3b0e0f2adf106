"""Copies are planned by class and rendered by their seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from src.core.types import RgbImage
from src.training.network import CLASSES, INPUT_SIDE
from src.training.pictures import LabelledPicture, find_pictures
from src.training.samples import CopyPlan, SampleKind, plan_samples, render_samples
from src.utils.image_codec import encode_png

PLAN = CopyPlan(copies_per_class=20, most_copies=15, harmless_share=0.5, painted_styes=80)


@pytest.fixture
def pictures(tmp_path: Path, drawn_eye: RgbImage) -> list[LabelledPicture]:
    for name in CLASSES:
        (tmp_path / name).mkdir()
        for number in range(1 if name == "Stye" else 4):
            (tmp_path / name / f"site_{number}.png").write_bytes(encode_png(drawn_eye))
    return find_pictures(tmp_path, CLASSES)


def test_each_class_gets_its_copies_and_styes_are_painted_on_the_other_classes(pictures: list[LabelledPicture]) -> None:
    planned = plan_samples(pictures, PLAN, seed=0)
    kinds = Counter((CLASSES[pictures[s.picture].label], s.kind) for s in planned)
    for name in ("Cataract", "Conjunctivitis", "Healthy"):
        assert kinds[name, SampleKind.ORIGINAL] == 4
        assert kinds[name, SampleKind.PHOTOGRAPHED] + kinds[name, SampleKind.HARMLESS_PAINT] == 20
    assert kinds["Stye", SampleKind.PHOTOGRAPHED] + kinds["Stye", SampleKind.HARMLESS_PAINT] == PLAN.most_copies
    painted = [s for s in planned if s.kind is SampleKind.PAINTED_STYE]
    assert {CLASSES[s.label] for s in painted} == {"Stye"}
    assert Counter(CLASSES[pictures[s.picture].label] for s in painted) == {
        "Cataract": 12,
        "Conjunctivitis": 28,
        "Healthy": 40,
    }


def test_renders_the_same_twice(pictures: list[LabelledPicture]) -> None:
    planned = plan_samples(pictures, CopyPlan(copies_per_class=4, painted_styes=4), seed=0)
    first, second = dict(render_samples(pictures, planned)), dict(render_samples(pictures, planned))
    assert first.keys() == second.keys() == set(range(len(planned)))
    for index, rgb in first.items():
        assert rgb.shape == (INPUT_SIDE, INPUT_SIDE, 3)
        assert np.array_equal(rgb, second[index])
