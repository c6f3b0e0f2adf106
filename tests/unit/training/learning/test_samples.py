"""Copies are planned by class and rendered by their seed."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.config.settings import Settings
from src.core.stage_times import StageTimes
from src.core.types import EyePrediction, RgbImage
from src.services import eye_locator, people
from src.services.analysis import EyeAnalysis
from src.services.assets import prepare_assets
from src.services.eye_locator import EyeLocator
from src.services.image_store import ImageStore
from src.services.judgement import Thresholds
from src.services.picture_file import answer_file
from src.services.workers import Workers
from src.utils.png_writer import encode_png
from src.utils.preprocessing import to_network_input
from training.data.pictures import LabelledPicture, find_pictures
from training.learning.network import CLASSES, INPUT_SIDE
from training.learning.samples import CopyPlan, Sample, SampleKind, plan_samples, render_samples

KINDS_WITHOUT_PAINT = [SampleKind.ORIGINAL, SampleKind.PHOTOGRAPHED]
PLAN = CopyPlan(copies_per_class=20, most_copies=15, harmless_share=0.5, painted_styes=80)


@pytest.fixture
def pictures(tmp_path: Path, drawn_eye: RgbImage) -> list[LabelledPicture]:
    for name in CLASSES:
        (tmp_path / name).mkdir()
        for number in range(1 if name == "Stye" else 4):
            (tmp_path / name / f"site_{number}.png").write_bytes(encode_png(drawn_eye))
    return find_pictures(tmp_path, CLASSES)


class Recorder:
    """Takes crops as a crop queue does, and classifies none."""

    def __init__(self) -> None:
        self.seen: list[RgbImage] = []

    async def classify(self, crops: list[RgbImage], _times: StageTimes) -> list[EyePrediction]:
        self.seen += crops
        return [EyePrediction(np.full(len(CLASSES), 0.25, np.float32), (None,) * len(CLASSES)) for _ in crops]


def seen_by_the_classifier(picture: LabelledPicture, settings: Settings) -> RgbImage:
    """What the service makes of the file, as it is sent."""
    recorder, workers = Recorder(), Workers(1)
    store = ImageStore(settings, idle=True)
    limits = {
        "input_side": INPUT_SIDE,
        "fills_crops": True,
        "reliability": None,
        "max_image_pixels": 10**6,
        "max_request_pixels": 10**6,
    }
    locator = EyeLocator.from_settings(prepare_assets(), settings)
    analysis = EyeAnalysis(locator, recorder, store, workers, Thresholds.from_settings(settings), **limits)  # type: ignore[arg-type]
    answer = asyncio.run(answer_file(analysis, picture.file))
    workers.close()
    assert answer.refusal is None
    (crop,) = recorder.seen
    return crop


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
    pictures: list[LabelledPicture], settings: Settings
) -> None:
    planned = plan_samples(pictures, CopyPlan(copies_per_class=8, painted_styes=8), seed=0)
    # All of them are the same eye.
    seen_in_the_service = seen_by_the_classifier(pictures[0], settings)
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
            assert np.array_equal(rendered.picture, seen_in_the_service)


def test_the_evidence_of_a_painted_stye_is_where_it_differs_from_its_picture(
    tmp_path: Path, drawn_eye: RgbImage
) -> None:
    """Seen on a sample that is framed the same with and without the stye."""
    (tmp_path / "eye.png").write_bytes(encode_png(drawn_eye))
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


def test_nothing_is_painted_where_the_search_is_not_sure_and_the_picture_is_shown_as_it_is(
    pictures: list[LabelledPicture], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "_SURE", 1.1)
    samples = [Sample(0, kind, CLASSES.index("Cataract"), 1) for kind in SampleKind]
    original, copy = render_samples(pictures, samples)
    assert [samples[rendered.index].kind for rendered in (original, copy)] == KINDS_WITHOUT_PAINT
    assert np.array_equal(original.picture, to_network_input(pictures[0].read(), INPUT_SIDE))
    assert np.array_equal(original.picture, seen_by_the_classifier(pictures[0], settings))
    assert not original.evidence.any()
    assert not copy.evidence.any()


def test_a_picture_in_which_no_eye_is_found_gives_no_samples(tmp_path: Path) -> None:
    (tmp_path / "skin.png").write_bytes(encode_png(np.full((120, 160, 3), (200, 150, 130), np.uint8)))
    picture = LabelledPicture(tmp_path / "skin.png", CLASSES.index("Cataract"), "site", "site/1", 1)
    assert list(render_samples([picture], [Sample(0, kind, 0, 1) for kind in SampleKind])) == []


def test_no_stye_is_painted_on_lids_that_are_not_in_the_picture(
    pictures: list[LabelledPicture], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(0, SampleKind.PAINTED_STYE, CLASSES.index("Stye"), seed) for seed in range(3)]
    assert len(list(render_samples(pictures, samples))) == 3
    monkeypatch.setattr(eye_locator, "_LEAST_VISIBLE", 1.1)
    assert list(render_samples(pictures, samples)) == []
