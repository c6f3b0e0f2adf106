"""Heatmaps are those of the Grad-CAM paper, computed a second time here with NumPy alone."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import EyePrediction, Floats, Heatmap, RgbImage
from src.services.classifier import EyeClassifier
from src.services.grad_cam import lay_over, scale_heatmap, stretch
from src.services.tensorflow_runtime import keras
from src.utils.preprocessing import to_network_input


class NumpyGradCam:
    """Grad-CAM on `multiply_1`: Keras gives the activations and the weights, and does nothing else.

    Behind `multiply_1` come an average over the 49 places, Dense 64 with ReLU, and Dense 4. So the gradient of a logit
    is the same at every place: 1/49 of what comes back through the two dense layers.
    """

    def __init__(self, model: Any) -> None:
        self._activations_of = keras.Model(model.inputs, model.get_layer("multiply_1").output)
        self._dense_2, self._dense_3 = (
            [weights.astype(np.float64) for weights in model.get_layer(name).get_weights()]
            for name in ("dense_2", "dense_3")
        )

    def __call__(self, crop: RgbImage) -> tuple[Floats, list[Floats]]:
        """The logits, and one map per class, not scaled yet."""
        pixels = crop[np.newaxis].astype(np.float32) / 255
        activations = self._activations_of(pixels, training=False).numpy()[0].astype(np.float64)
        (kernel_2, bias_2), (kernel_3, bias_3) = self._dense_2, self._dense_3
        before_relu = activations.mean(axis=(0, 1)) @ kernel_2 + bias_2
        logits = np.maximum(before_relu, 0) @ kernel_3 + bias_3
        maps = []
        for index in range(logits.size):
            gradient_of_pooled = kernel_2 @ (kernel_3[:, index] * (before_relu > 0))
            gradient = np.broadcast_to(gradient_of_pooled / 49, activations.shape)
            weights = gradient.mean(axis=(0, 1))
            maps.append(np.maximum((activations * weights).sum(axis=2), 0))
        return logits, maps


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


# Maps of less evidence than that are made of single precision's rounding, and say nothing either way.
ENOUGH = 1e-3


@pytest.fixture(scope="module")
def crops(face: RgbImage, eye_photo: RgbImage) -> list[RgbImage]:
    """An eye in three lights, a face and parts of it, noise, and smooth random pictures."""
    dice = np.random.default_rng(0)
    pictures = [eye_photo, (eye_photo * 0.4).astype(np.uint8), eye_photo[:, ::-1], face, face[:320], face[320:]]
    pictures += [dice.integers(0, 256, (side, side, 3), dtype=np.uint8) for side in (224, 20, 6, 3)]
    return [to_network_input(np.ascontiguousarray(picture), 224) for picture in pictures]


def assert_maps_agree(prediction: EyePrediction, expected: list[Floats]) -> list[int]:
    """Says for which classes there was evidence enough to compare."""
    assert len(prediction.heatmaps) == len(expected)
    compared = []
    for index, (heatmap, raw) in enumerate(zip(prediction.heatmaps, expected, strict=True)):
        if raw.max() == 0:
            assert heatmap is None
        if raw.max() > ENOUGH:
            assert heatmap is not None
            np.testing.assert_allclose(heatmap, raw / raw.max(), atol=1e-4)
            compared.append(index)
    return compared


def test_maps_of_all_classes_agree_with_numpy(
    classifier: EyeClassifier, keras_model: Any, temperature: float, crops: list[RgbImage]
) -> None:
    by_numpy = NumpyGradCam(keras_model)
    compared: list[int] = []
    for crop, prediction in zip(crops, classifier.classify(crops), strict=True):
        logits, maps = by_numpy(crop)
        np.testing.assert_allclose(prediction.probabilities, softmax(logits / temperature), atol=1e-4)
        compared += assert_maps_agree(prediction, maps)
    assert set(compared) == {0, 1, 2, 3}
    assert len(compared) >= len(crops)


def test_maps_of_different_classes_differ(classifier: EyeClassifier, crops: list[RgbImage]) -> None:
    differences = []
    for prediction in classifier.classify(crops):
        maps = [heatmap for heatmap in prediction.heatmaps if heatmap is not None]
        differences += [np.abs(one - other).max() for one, other in itertools.combinations(maps, 2)]
    assert len(differences) >= 3
    assert min(differences) > 0.01


def test_a_saturated_softmax_still_has_its_maps(
    settings: Settings, keras_model: Any, crops: list[RgbImage], tmp_path: Path
) -> None:
    """Where one probability is exactly 1, the softmax has no gradient left; the logits have theirs."""
    last = keras_model.get_layer("dense_3")
    weights = last.get_weights()
    try:
        last.set_weights([1000 * values for values in weights])
        file = tmp_path / "saturated.h5"
        keras_model.save(file, save_format="h5", include_optimizer=False)
        by_numpy = NumpyGradCam(keras_model)
    finally:
        last.set_weights(weights)
    saturated = EyeClassifier("Saturated", file, settings.classes, "multiply_1")
    seen = 0
    for crop, prediction in zip(crops, saturated.classify(crops), strict=True):
        shown = assert_maps_agree(prediction, by_numpy(crop)[1])
        # A crop that opens no hidden unit has no map at all, saturated or not. Some processors' softmax rounds 1 to the
        # number below it.
        if prediction.probabilities.max() >= np.nextafter(np.float32(1), np.float32(0)) and shown:
            assert int(prediction.probabilities.argmax()) in shown
            seen += 1
    assert seen >= 3


class TestScaling:
    def test_the_hottest_place_is_one_and_proportions_stay(self) -> None:
        raw = np.array([[0, 1], [2, 4]], np.float32)
        heatmap = scale_heatmap(raw)
        assert heatmap is not None
        assert heatmap.tolist() == [[0, 0.25], [0.5, 1]]
        assert heatmap.dtype == np.float32

    @pytest.mark.parametrize(
        ("level", "odd"), [(0, 0), (0.5, 0.5), (1000, 1000), (1000, 1000.0001), (0, np.nan), (1, np.inf)]
    )
    def test_a_map_that_is_flat_but_for_rounding_or_not_finite_shows_nothing(self, level: float, odd: float) -> None:
        raw = np.full((7, 7), level, np.float32)
        raw[3, 3] = odd
        assert scale_heatmap(raw) is None


GREY = np.full((140, 210, 3), 128, np.uint8)


def hot_corner() -> Heatmap:
    """7 x 7, hottest in the upper left corner, cold in the other three quarters."""
    heat = np.zeros((7, 7), np.float32)
    heat[:2, :2] = 1
    return heat


def test_a_cold_map_leaves_the_picture_as_it_is_and_no_map_paints_on_the_picture_itself() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    before = picture.copy()
    assert np.array_equal(lay_over(picture, np.zeros((7, 7), np.float32)), picture)
    assert np.all(lay_over(GREY, hot_corner())[80:, 120:] == 128)
    lay_over(picture, hot_corner())
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (14, 14), (224, 224)])
def test_a_map_of_any_size_is_stretched_over_the_picture(shape: tuple[int, int]) -> None:
    overlay = lay_over(GREY, np.ones(shape, np.float32))
    assert overlay.shape == GREY.shape
    assert overlay.dtype == np.uint8
    assert np.ptp(overlay, axis=(0, 1)).max() <= 2


def test_every_pixel_is_the_weighted_mean_of_the_picture_and_the_colour_of_its_heat() -> None:
    dice = np.random.default_rng(0)
    picture = dice.integers(0, 256, (140, 210, 3), dtype=np.uint8)
    heatmap = dice.random((7, 7)).astype(np.float32)
    heat = stretch(heatmap, 210, 140).clip(0, 1)
    turbo_bgr = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    expected = picture * (1 - 0.6 * heat[..., None]) + turbo_bgr[..., ::-1] * (0.6 * heat[..., None])
    difference = np.abs(lay_over(picture, heatmap) - expected)
    assert np.quantile(difference, 0.99) < 0.6
    assert difference.max() < 3


class TestStretching:
    def test_a_place_keeps_its_heat_in_its_middle(self) -> None:
        heat = np.random.default_rng(0).random((7, 7)).astype(np.float32)
        # Odd parts, so that every place has a pixel in its very middle.
        large = stretch(heat, 7 * 9, 7 * 15)
        assert large.shape == (105, 63)
        np.testing.assert_allclose(large[7::15, 4::9], heat, atol=1e-5)

    def test_it_is_smooth_from_place_to_place(self) -> None:
        large = stretch(hot_corner(), 224, 224)
        assert np.abs(np.diff(large, axis=0)).max() < 2 / 32
        assert np.abs(np.diff(large, axis=1)).max() < 2 / 32

    def test_the_summit_between_two_hot_places_is_not_cut_off(self) -> None:
        heat = np.zeros((7, 7), np.float32)
        heat[3, 3:5] = 1
        large = stretch(heat, 224, 224)
        assert large.max() > 1
        assert int(large.max(axis=0).argmax()) in (127, 128)
