"""Copies are planned by class and rendered by their seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from src.utils.png_writer import encode_png
from src.utils.preprocessing import to_network_input
from training.data.pictures import LabelledPicture, find_pictures
from training.learning.network import CLASSES, INPUT_SIDE
from training.learning.samples import CopyPlan, Sample, SampleKind, plan_samples, render_samples

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


def test_samples_render_the_same_twice_and_show_evidence_of_diseases_and_painted_styes_only(
    pictures: list[LabelledPicture],
) -> None:
    planned = plan_samples(pictures, CopyPlan(copies_per_class=8, painted_styes=8), seed=0)
    first, second = list(render_samples(pictures, planned)), list(render_samples(pictures, planned))
    assert [sample.index for sample in first] == [sample.index for sample in second] == list(range(len(planned)))
    for rendered, again, sample in zip(first, second, planned, strict=True):
        assert rendered.picture.shape == (INPUT_SIDE, INPUT_SIDE, 3)
        assert np.array_equal(rendered.picture, again.picture)
        assert np.array_equal(rendered.evidence, again.evidence)
        assert rendered.evidence.shape == (7, 7)
        assert rendered.evidence.dtype == np.float32
        assert 0 <= rendered.evidence.min() <= rendered.evidence.max() <= 1.00001
        painted = sample.kind is SampleKind.PAINTED_STYE
        assert rendered.evidence.any() == (painted or CLASSES[sample.label] in {"Cataract", "Conjunctivitis"})
        if sample.kind is SampleKind.ORIGINAL:
            # What the service would see.
            expected = to_network_input(pictures[sample.picture].read(), INPUT_SIDE)
            assert np.array_equal(rendered.picture, expected)


def test_the_evidence_of_a_painted_stye_is_where_it_differs_from_its_picture(tmp_path: Path) -> None:
    """Seen on a sample that is framed the same with and without the stye."""
    eye = np.full((180, 240, 3), (205, 160, 135), dtype=np.uint8)
    cv2.ellipse(eye, (120, 95), (55, 20), 0, 0, 360, (235, 235, 232), -1)
    cv2.circle(eye, (120, 95), 20, (40, 50, 60), -1)
    (tmp_path / "eye.png").write_bytes(encode_png(eye))
    picture = LabelledPicture(tmp_path / "eye.png", CLASSES.index("Healthy"), "site", "site/1", 1)
    samples = [Sample(0, SampleKind.PAINTED_STYE, CLASSES.index("Stye"), seed) for seed in range(12)]
    inside, outside = [], []
    for rendered in render_samples([picture], samples):
        redness = rendered.picture[..., 0].astype(float) - rendered.picture[..., 1:].mean(axis=2)
        places = cv2.resize(redness, (7, 7), interpolation=cv2.INTER_AREA)
        on_bump = rendered.evidence >= 0.5 * rendered.evidence.max()
        inside.append(places[on_bump].mean())
        outside.append(places[rendered.evidence == 0].mean())
    assert len(inside) == 12
    assert np.mean(np.array(inside) > np.array(outside)) > 0.8


def test_styes_are_not_painted_where_no_lids_were_found(tmp_path: Path) -> None:
    (tmp_path / "skin.png").write_bytes(encode_png(np.full((120, 160, 3), (200, 150, 130), np.uint8)))
    picture = LabelledPicture(tmp_path / "skin.png", CLASSES.index("Cataract"), "site", "site/1", 1)
    samples = [Sample(0, kind, 0, 1) for kind in (SampleKind.PAINTED_STYE, SampleKind.HARMLESS_PAINT)]
    (rendered,) = render_samples([picture], samples)
    assert rendered.index == 1
    assert not rendered.evidence.any()
