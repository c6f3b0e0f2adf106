"""Scenes are photos as people take them, with the eyes where the labels say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from src.services.eye_finder import IRIS_LOGIT, LOG_WIDTH, OUTLINE, SCORE, SIDE, SIDE_LOGIT, STRIDE
from training.finder.fitting import targets_of
from training.finder.labels import LabelledPhoto
from training.finder.scenes import Scene, draw_scene


def scenes(photo: LabelledPhoto, count: int) -> list[Scene]:
    return [draw_scene(photo, np.random.default_rng(seed)) for seed in range(count)]


def test_the_same_seed_draws_the_same_scene(portrait: LabelledPhoto) -> None:
    for one, other in zip(scenes(portrait, 20), scenes(portrait, 20), strict=True):
        assert np.array_equal(one.grey, other.grey)
        assert len(one.eyes) == len(other.eyes)


def test_faces_give_both_eyes_one_eye_and_skin_without_any(portrait: LabelledPhoto) -> None:
    drawn = scenes(portrait, 200)
    counts = [sum(not eye.uncertain for eye in scene.eyes) for scene in drawn]
    assert set(counts) == {0, 1, 2}
    assert all(scene.grey.shape == (SIDE, SIDE) for scene in drawn)
    assert all(max(scene.inside) == SIDE for scene in drawn)


def test_eyes_are_from_a_few_pixels_to_wider_than_the_photo(portrait: LabelledPhoto) -> None:
    widths = [eye.width for scene in scenes(portrait, 300) for eye in scene.eyes if not eye.uncertain]
    assert min(widths) < 0.1 * SIDE
    assert max(widths) > 1.2 * SIDE


def test_the_photo_is_not_changed_by_what_is_painted_on_it(portrait: LabelledPhoto) -> None:
    before = portrait.grey.copy()
    scenes(portrait, 60)
    assert np.array_equal(portrait.grey, before)


def test_an_iris_is_dark_where_the_label_has_it(portrait: LabelledPhoto) -> None:
    """The labels move with the pixels: else the middle of an eye would be as bright as its surroundings."""
    darker = []
    for scene in scenes(portrait, 300):
        for eye in scene.eyes:
            x, y = (round(float(value)) for value in eye.centre)
            reach = round(0.45 * eye.width)
            around = scene.grey[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
            if eye.width > 40 and not eye.uncertain and around.size > reach**2:
                darker.append(float(scene.grey[y, x]) < float(np.median(around)))
    assert len(darker) > 40
    assert np.mean(darker) > 0.8


def test_photos_without_eyes_give_scenes_without_eyes(portrait: LabelledPhoto) -> None:
    empty = replace(portrait, name="not_an_eye/x_y.jpg", eyes=())
    assert all(scene.eyes == () for scene in scenes(empty, 40))


def test_the_targets_lead_back_to_the_labels(portrait: LabelledPhoto) -> None:
    for scene in scenes(portrait, 60):
        targets = targets_of(scene)
        for eye in scene.eyes:
            if eye.uncertain:
                continue
            column, row = (int(np.clip(value // STRIDE, 0, SIDE // STRIDE - 1)) for value in eye.centre)
            if targets[row, column, SCORE] < 0.99:
                continue  # Another eye is nearer.
            width = SIDE * np.exp(targets[row, column, LOG_WIDTH])
            place = (np.array([column, row]) + 0.5) * STRIDE
            outline = place + targets[row, column, OUTLINE].reshape(6, 2) * width
            assert np.abs(outline - eye.outline).max() < 0.01 * max(width, 50)
            assert bool(targets[row, column, SIDE_LOGIT]) is bool(eye.inner_on_left)
            assert bool(targets[row, column, IRIS_LOGIT]) is (eye.iris is not None)


def test_nothing_is_learnt_of_what_is_uncertain(portrait: LabelledPhoto) -> None:
    unsure = replace(portrait, eyes=tuple(eye.as_uncertain() for eye in portrait.eyes))
    scene = Scene(
        portrait.grey[:SIDE, :SIDE],
        (SIDE, SIDE),
        tuple(replace(eye, outline=eye.outline / 4, iris=None) for eye in unsure.eyes),
    )
    targets = targets_of(scene)
    assert not targets[..., SCORE].any()
    # Neither that there is an eye nor that there is none.
    x, y = (int(value // STRIDE) for value in scene.eyes[0].centre)
    assert targets[y, x, -3] == 0
