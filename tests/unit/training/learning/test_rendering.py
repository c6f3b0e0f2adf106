"""Samples are rendered once, in parts, by all cores, and the key tells what they come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from src.services import people
from src.utils.png_writer import encode_png
from training.data.pictures import LabelledPicture, find_pictures
from training.learning import rendering
from training.learning.network import CLASSES
from training.learning.rendering import render_all, source_hash
from training.learning.samples import EVIDENCE_SIDE, CopyPlan, Sample, SampleKind, plan_samples, render_samples


@pytest.fixture
def pictures(tmp_path: Path, drawn_eye: RgbImage) -> list[LabelledPicture]:
    for name in CLASSES:
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "site_1.png").write_bytes(encode_png(drawn_eye))
    return find_pictures(tmp_path / "data", CLASSES)


@pytest.fixture
def planned(pictures: list[LabelledPicture]) -> list[Sample]:
    return plan_samples(pictures, CopyPlan(copies_per_class=1, painted_styes=3), seed=0)


def test_they_are_what_is_rendered_and_an_interrupted_run_goes_on_at_the_missing_part(
    pictures: list[LabelledPicture], planned: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_PART", 3)
    found = render_all(pictures, planned, tmp_path / "cache", processes=1)
    expected = list(render_samples(pictures, planned))
    assert found.samples == [planned[sample.index] for sample in expected] == planned
    assert np.array_equal(found.pictures, [sample.picture for sample in expected])
    assert found.evidence.shape == (len(planned), EVIDENCE_SIDE, EVIDENCE_SIDE)
    np.testing.assert_allclose(found.evidence / 255, [sample.evidence for sample in expected], atol=1 / 255)

    parts = sorted((tmp_path / "cache" / f"rendered_{found.key}").iterdir())
    assert [part.name for part in parts] == [f"part_{start:07d}.npz" for start in range(0, len(planned), 3)]
    parts[1].unlink()
    kept = {part.name: part.stat().st_mtime_ns for part in parts if part.exists()}
    again = render_all(pictures, planned, tmp_path / "cache", processes=1)
    assert parts[1].is_file()
    assert {part.name: part.stat().st_mtime_ns for part in parts if part != parts[1]} == kept
    assert np.array_equal(again.pictures, found.pictures)
    assert again.samples == found.samples


def test_several_processes_render_the_same(
    pictures: list[LabelledPicture], planned: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_PART", 4)
    alone = render_all(pictures, planned, tmp_path / "one", processes=1)
    together = render_all(pictures, planned, tmp_path / "two", processes=2)
    assert together.samples == alone.samples
    assert np.array_equal(together.pictures, alone.pictures)
    assert np.array_equal(together.evidence, alone.evidence)


def test_styes_that_could_not_be_painted_are_left_out(
    tmp_path: Path, drawn_eye: RgbImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the search is not sure, it does not know the lids, so a whole part may come to nothing."""
    monkeypatch.setattr(people, "_SURE", 1.1)
    (tmp_path / "eye.png").write_bytes(encode_png(drawn_eye))
    pictures = [LabelledPicture(tmp_path / "eye.png", 2, "site", "site/1", 1)]
    original = Sample(0, SampleKind.ORIGINAL, 2, 0)
    planned = [original, *(Sample(0, SampleKind.PAINTED_STYE, 3, seed) for seed in range(3))]
    monkeypatch.setattr(rendering, "_PART", 2)
    found = render_all(pictures, planned, tmp_path / "cache", processes=1)
    assert found.samples == [original]
    assert len(found.pictures) == len(found.evidence) == 1


def test_another_sample_picture_finder_or_source_has_another_key(
    pictures: list[LabelledPicture], planned: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [
        rendering._key(pictures, planned),
        rendering._key(pictures, planned[:-1]),
        rendering._key(pictures, [*planned[:-1], replace(planned[-1], seed=planned[-1].seed + 1)]),
        rendering._key(pictures[:-1], planned),
    ]
    picture = pictures[0].file.read_bytes()
    pictures[0].file.write_bytes(picture[:-1] + bytes([picture[-1] ^ 1]))
    assert pictures[0].file.stat().st_size == len(picture)
    keys.append(rendering._key(pictures, planned))
    another_finder = tmp_path / "another.npz"
    another_finder.write_bytes(b"other weights")
    monkeypatch.setattr(rendering, "FINDER_FILE", another_finder)
    keys.append(rendering._key(pictures, planned))
    monkeypatch.setattr(rendering, "source_hash", lambda module: f"another version of {module}")
    keys.append(rendering._key(pictures, planned))
    assert len(set(keys)) == len(keys)


DEPENDENCIES = (
    "src/services/eye_crops.py",
    "src/services/eye_finder.py",
    "src/services/eye_locator.py",
    "src/services/people.py",
    "src/utils/preprocessing.py",
    "src/utils/geometry.py",
    "src/utils/colour.py",
    "src/utils/image_codec.py",
    "src/utils/picture_header.py",
    "training/data/pictures.py",
    "training/learning/samples.py",
    "training/painting/camera.py",
    "training/painting/eye_opening.py",
)


def test_a_change_in_what_the_samples_depend_on_is_another_source_and_any_other_is_not(tmp_path: Path) -> None:
    for package in ("src", "training"):
        for file in (PROJECT_ROOT / package).rglob("*.py"):
            copied = tmp_path / file.relative_to(PROJECT_ROOT)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(file.read_bytes())
    before = source_hash("training.learning.samples", tmp_path)
    assert before == source_hash("training.learning.samples")
    for other in ("src/api/app.py", "training/learning/fitting.py", "training/evaluation/measures.py"):
        (tmp_path / other).write_text("changed", encoding="utf-8")
    assert source_hash("training.learning.samples", tmp_path) == before
    assert source_hash("training.learning.trainer", tmp_path) != source_hash("training.learning.trainer")
    for dependency in DEPENDENCIES:
        original = (tmp_path / dependency).read_bytes()
        (tmp_path / dependency).write_bytes(original + b"\n")
        assert source_hash("training.learning.samples", tmp_path) != before, dependency
        (tmp_path / dependency).write_bytes(original)
