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
from src.utils.preprocessing import resize, to_network_input
from training.data.pictures import LabelledPicture, find_pictures
from training.learning.network import CLASSES, INPUT_SIDE
from training.learning.samples import (
    EVIDENCE_SIDE,
    CopyPlan,
    Sample,
    SampleKind,
    eyes_of_host,
    plan_samples,
    render_samples,
)

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
        assert rendered.evidence.shape == (EVIDENCE_SIDE, EVIDENCE_SIDE)
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
        places, evidence = (
            cv2.resize(seen, (7, 7), interpolation=cv2.INTER_AREA) for seen in (redness, rendered.evidence)
        )
        on_bump = evidence >= 0.5 * evidence.max()
        inside.append(places[on_bump].mean())
        outside.append(places[evidence == 0].mean())
    assert len(inside) == 12
    assert np.mean(np.array(inside) > np.array(outside)) > 0.8


def test_nothing_is_painted_where_the_search_is_not_sure_and_the_picture_is_shown_as_it_is(
    pictures: list[LabelledPicture], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "_SURE", 1.1)
    samples = [Sample(0, kind, CLASSES.index("Cataract"), 1, host=0) for kind in SampleKind]
    original, copy = render_samples(pictures, samples, [pictures[1].file])
    assert [samples[rendered.index].kind for rendered in (original, copy)] == KINDS_WITHOUT_PAINT
    assert np.array_equal(original.picture, to_network_input(pictures[0].read(), INPUT_SIDE))
    assert np.array_equal(original.picture, seen_by_the_classifier(pictures[0], settings))
    assert not original.evidence.any()
    assert not copy.evidence.any()


def test_a_picture_in_which_no_eye_is_found_gives_no_samples(tmp_path: Path) -> None:
    (tmp_path / "skin.png").write_bytes(encode_png(np.full((120, 160, 3), (200, 150, 130), np.uint8)))
    picture = LabelledPicture(tmp_path / "skin.png", CLASSES.index("Cataract"), "site", "site/1", 1)
    samples = [Sample(0, kind, 0, 1, host=0) for kind in SampleKind]
    assert list(render_samples([picture], samples, [picture.file])) == []


def test_copies_of_all_but_styes_are_put_into_faces_where_there_are_any(pictures: list[LabelledPicture]) -> None:
    plan = CopyPlan(copies_per_class=80, most_copies=60, harmless_share=0.25, transplanted_share=0.5)
    planned = plan_samples(pictures, plan, seed=0, hosts=3)
    moved = [sample for sample in planned if sample.kind is SampleKind.TRANSPLANTED]
    assert {sample.host for sample in moved} == {0, 1, 2}
    counts = Counter(CLASSES[sample.label] for sample in moved)
    assert counts["Stye"] == 0
    assert all(25 < counts[name] < 55 for name in ("Cataract", "Conjunctivitis", "Healthy"))
    assert all(sample.host == -1 for sample in planned if sample.kind is not SampleKind.TRANSPLANTED)


def test_a_transplanted_eye_is_seen_in_the_other_face_with_its_own_evidence(
    tmp_path: Path, drawn_eye: RgbImage, face: RgbImage
) -> None:
    """Its white is greenish, which nothing in the face is."""
    white = drawn_eye.min(axis=2) > 215
    green = drawn_eye.copy()
    green[white] = (205, 252, 205)
    (tmp_path / "eye.png").write_bytes(encode_png(green))
    (tmp_path / "face.png").write_bytes(encode_png(resize(face, 1280, 1280)))
    label = CLASSES.index("Conjunctivitis")
    picture = LabelledPicture(tmp_path / "eye.png", label, "site", "site/1", 1)
    samples = [Sample(0, SampleKind.TRANSPLANTED, label, seed, host=0) for seed in range(8)]
    found = list(render_samples([picture], samples, [tmp_path / "face.png"]))
    assert len(found) == 8
    for part, outline in eyes_of_host(tmp_path / "face.png"):
        assert 0 <= outline.min() <= outline.max() < max(part.shape)
    inside, outside = [], []
    for rendered in found:
        # As a share, which coloured light changes alike everywhere.
        colours = rendered.picture.astype(float) + 1
        greenness = cv2.resize(colours[..., 1] / colours.sum(axis=2), (EVIDENCE_SIDE, EVIDENCE_SIDE))
        inside.append(greenness[rendered.evidence > 0.5].mean())
        outside.append(greenness[rendered.evidence == 0].mean())
    assert all(eye > skin for eye, skin in zip(inside, outside, strict=True))


def test_faces_whose_eyes_are_too_small_take_no_other(
    pictures: list[LabelledPicture], tmp_path: Path, face: RgbImage
) -> None:
    (tmp_path / "small.png").write_bytes(encode_png(resize(face, 200, 200)))
    samples = [Sample(0, SampleKind.TRANSPLANTED, pictures[0].label, seed, host=0) for seed in range(3)]
    assert list(render_samples(pictures, samples, [tmp_path / "small.png"])) == []


def test_no_stye_is_painted_on_lids_that_are_not_in_the_picture(
    pictures: list[LabelledPicture], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(0, SampleKind.PAINTED_STYE, CLASSES.index("Stye"), seed) for seed in range(3)]
    assert len(list(render_samples(pictures, samples))) == 3
    monkeypatch.setattr(eye_locator, "_LEAST_VISIBLE", 1.1)
    assert list(render_samples(pictures, samples)) == []
