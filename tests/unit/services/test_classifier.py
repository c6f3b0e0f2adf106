"""The classifier gives the same scores for the same crop in any company, and refuses models that do not fit."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from src.config.settings import MOST_EYES_PER_PASS, Settings
from src.core.errors import StartupError
from src.core.types import EyePrediction, RgbImage
from src.services import classifier as classifier_module
from src.services.classifier import EyeClassifier
from src.services.familiarity import FamiliarityStatistics
from src.services.frozen_graph import freeze
from src.services.tensorflow_runtime import cpu_has_bfloat16, has_gpu, keras, use_precision
from src.utils.preprocessing import to_network_input
from training.learning.network import build_network

CLASSES = ("Cataract", "Conjunctivitis", "Healthy", "Stye")
SaveModel = Callable[[Any], Path]


def random_crops(count: int, side: int) -> list[RgbImage]:
    """Smooth random pictures: noise alone looks all the same to a network."""
    dice = np.random.default_rng(count)
    return [to_network_input(dice.integers(0, 256, (5, 5, 3), dtype=np.uint8), side) for _ in range(count)]


@pytest.fixture
def small_file(save_model: SaveModel, small_model: Any) -> Path:
    return save_model(small_model)


def small(file: Path, classes: Sequence[str] = CLASSES, layer: str = "coarse", **options: Any) -> EyeClassifier:
    """What the service makes of the small model, or of one like it."""
    return EyeClassifier("Small", file, classes, layer, **options)


def write_card(model: Path, **fields: Any) -> None:
    """Of the model, and beside it."""
    card = {"classes": CLASSES, "sha256": hashlib.sha256(model.read_bytes()).hexdigest()} | fields
    model.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")


def assert_alike(left: EyePrediction, right: EyePrediction, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(left.probabilities, right.probabilities, atol=tolerance)
    for one, other in zip(left.heatmaps, right.heatmaps, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_allclose(one, other, atol=10 * tolerance)


class TestPredictions:
    def test_there_is_one_per_crop_with_a_probability_and_a_map_per_class(self, classifier: EyeClassifier) -> None:
        assert classifier.classify([]) == []
        predictions = classifier.classify(random_crops(3, 224))
        assert len(predictions) == 3
        for prediction in predictions:
            assert prediction.probabilities.shape == (4,)
            assert prediction.probabilities.min() >= 0
            assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
            assert len(prediction.heatmaps) == 4
            for heatmap in prediction.heatmaps:
                assert heatmap is None or (heatmap.shape == (7, 7) and heatmap.min() >= 0 and heatmap.max() == 1)
        assert np.ptp([prediction.probabilities for prediction in predictions], axis=0).max() > 1e-3

    def test_a_batch_says_what_its_crops_say_alone(self, classifier: EyeClassifier) -> None:
        crops = random_crops(5, 224)
        for crop, in_batch in zip(crops, classifier.classify(crops), strict=True):
            (alone,) = classifier.classify([crop])
            assert_alike(alone, in_batch)

    def test_more_crops_than_the_largest_batch_keep_their_order(self, small_file: Path) -> None:
        classifier = small(small_file)
        crops = random_crops(2 * MOST_EYES_PER_PASS + 3, 64)
        predictions = classifier.classify(crops)
        assert len(predictions) == len(crops)
        for crop, prediction in zip(crops, predictions, strict=True):
            assert_alike(classifier.classify([crop])[0], prediction)

    def test_the_model_gets_rgb_divided_by_255(
        self, classifier: EyeClassifier, keras_model: Any, temperature: float
    ) -> None:
        crop = random_crops(1, 224)[0]
        as_trained = keras_model(crop[np.newaxis].astype(np.float32) / 255, training=False).numpy()[0]
        powers = as_trained ** (1 / temperature)
        np.testing.assert_allclose(classifier.classify([crop])[0].probabilities, powers / powers.sum(), atol=1e-5)


class TestModelInfo:
    def test_it_says_which_file_was_loaded(self, classifier: EyeClassifier, settings: Settings) -> None:
        assert classifier.info.name == "EyeNet"
        assert classifier.info.sha256 == hashlib.sha256(settings.model_path.read_bytes()).hexdigest()
        assert classifier.info.classes == CLASSES
        assert classifier.info.grad_cam_layer == "multiply_1"
        assert classifier.info.device == "CPU" or classifier.info.device.startswith("GPU: ")
        assert int(classifier.info.tensorflow.split(".")[0]) >= 2

    def test_the_precision_of_the_settings_and_of_the_card_is_asked_for(
        self, small_file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choose = Mock(return_value="float32")
        monkeypatch.setattr(classifier_module, "choose_precision", choose)
        changes = {"model_path": small_file, "grad_cam_layer": "coarse", "inference_precision": "tensorfloat32"}
        for agrees in (True, False):
            write_card(small_file, bfloat16={"agrees": agrees})
            assert EyeClassifier.from_settings(settings.model_copy(update=changes)).info.precision == "float32"
            choose.assert_called_with("tensorfloat32", bfloat16_agrees=agrees)

    def test_the_shipped_models_card_is_of_the_shipped_model(self, settings: Settings) -> None:
        card = json.loads(settings.model_path.with_suffix(".json").read_text(encoding="utf-8"))
        assert card["sha256"] == hashlib.sha256(settings.model_path.read_bytes()).hexdigest()
        assert card["classes"] == list(settings.classes)


class TestCard:
    """What the card adds to a model's answers. Its own mistakes are in test_model_file.py."""

    @staticmethod
    def write_familiarity(file: Path, layer: str, measures: int) -> FamiliarityStatistics:
        """Statistics after which every descriptor is strange, beside the model."""
        statistics = FamiliarityStatistics(np.zeros(measures), np.ones(measures), np.eye(measures)[:, :3], typical=0.01)
        statistics.save(file.with_suffix(".npz"))
        sha256 = hashlib.sha256(file.with_suffix(".npz").read_bytes()).hexdigest()
        section = {"layer": layer, "statistics": file.with_suffix(".npz").name, "sha256": sha256}
        write_card(file, familiarity=section)
        return statistics

    def test_without_one_scores_are_not_called_calibrated_and_nothing_is_unfamiliar(self, small_file: Path) -> None:
        classifier = small(small_file)
        assert classifier.info.calibrated is False
        assert [prediction.unfamiliarity for prediction in classifier.classify(random_crops(2, 64))] == [None, None]

    def test_its_temperature_makes_scores_more_or_less_certain(self, small_file: Path) -> None:
        crops = random_crops(4, 64)
        plain = small(small_file).classify(crops)
        write_card(small_file, calibrated=True, calibration={"temperature": 2})
        calibrated = small(small_file)
        assert calibrated.info.calibrated is True
        for before, after in zip(plain, calibrated.classify(crops), strict=True):
            roots = np.sqrt(before.probabilities)
            np.testing.assert_allclose(after.probabilities, roots / roots.sum(), atol=1e-6)

    @pytest.mark.parametrize(("layer", "channels"), [("backbone", 8), ("gated", 8)])
    def test_with_statistics_every_crop_has_its_unfamiliarity(
        self, small_file: Path, small_model: Any, layer: str, channels: int
    ) -> None:
        statistics = self.write_familiarity(small_file, layer, 2 * channels)
        crops = random_crops(MOST_EYES_PER_PASS + 2, 64)
        output = keras.Model(small_model.inputs, small_model.get_layer(layer).get_output_at(-1))
        places = output(np.stack(crops).astype(np.float32) / 255).numpy()
        descriptors = np.concatenate([places.mean(axis=(1, 2)), places.std(axis=(1, 2))], axis=1)
        predictions = small(small_file).classify(crops)
        expected = statistics.unfamiliarity(descriptors)
        assert expected.min() > 0
        assert [prediction.unfamiliarity for prediction in predictions] == pytest.approx(expected.tolist(), rel=1e-3)

    def test_with_a_head_every_crop_has_its_probability_of_another_condition(
        self, small_file: Path, small_model: Any
    ) -> None:
        crops = random_crops(MOST_EYES_PER_PASS + 2, 64)
        output = keras.Model(small_model.inputs, small_model.get_layer("coarse").get_output_at(-1))
        means = output(np.stack(crops).astype(np.float32) / 255).numpy().mean(axis=(1, 2))
        weights = np.random.default_rng(0).normal(0, 3, means.shape[1]).astype("<f4")
        section = {"weights": base64.b64encode(weights.tobytes()).decode(), "bias": 0.5, "most": 0.5}
        write_card(small_file, other_condition=section)
        found = [prediction.other_condition for prediction in small(small_file).classify(crops)]
        assert found == pytest.approx((1 / (1 + np.exp(-0.5 - means @ weights))).tolist(), rel=1e-3)
        section["weights"] = base64.b64encode(weights[1:].tobytes()).decode()
        write_card(small_file, other_condition=section)
        with pytest.raises(StartupError, match=r"model\.json is wrong: other_condition: it has"):
            small(small_file)

    @pytest.mark.parametrize(
        ("layer", "measures", "sentence"),
        [
            ("backbone/absent", 16, "the model has no layer backbone/absent"),
            ("pooled", 16, "not of 4 dimensions"),
            ("coarse", 18, "the statistics are of 18 measures, the layer coarse gives 16"),
        ],
    )
    def test_statistics_that_do_not_fit_the_model_stop_the_start(
        self, small_file: Path, layer: str, measures: int, sentence: str
    ) -> None:
        self.write_familiarity(small_file, layer, measures)
        with pytest.raises(StartupError, match=rf"model\.json is wrong: familiarity: .*{sentence}"):
            small(small_file)

    def test_what_breaks_for_another_reason_is_not_blamed_on_the_card(
        self, small_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_down(*_: Any) -> Any:
            raise ValueError("Keras is at a loss")

        monkeypatch.setattr(classifier_module, "compile_forward_pass", break_down)
        with pytest.raises(ValueError, match=r"^Keras is at a loss$"):
            small(small_file)


def test_bfloat16_is_less_precise_but_not_by_much(small_file: Path) -> None:
    if has_gpu() or not cpu_has_bfloat16():
        pytest.skip("this machine does not multiply bfloat16")
    crops = random_crops(8, 64)
    precise = small(small_file, precision="float32").classify(crops)
    try:
        rough = small(small_file, precision="bfloat16").classify(crops)
    finally:
        # The next tests compute in it.
        use_precision("float32")
    pairs = zip(precise, rough, strict=True)
    assert 0 < max(np.abs(one.probabilities - other.probabilities).max() for one, other in pairs) < 0.05


class TestBatchSizes:
    """On a GPU kernels are prepared per batch size, so there are few of them."""

    @staticmethod
    def sizes_of(monkeypatch: pytest.MonkeyPatch, file: Path, counts: list[int]) -> list[int]:
        sizes: list[int] = []

        def freeze_and_watch(forward: Any) -> Any:
            frozen = freeze(forward)

            def watched(batch: Any) -> Any:
                sizes.append(int(batch.shape[0]))
                return frozen(batch)

            return watched

        monkeypatch.setattr(classifier_module, "freeze", freeze_and_watch)
        classifier = small(file)
        sizes.clear()
        for count in counts:
            assert len(classifier.classify(random_crops(count, 64))) == count
        return sizes

    @pytest.mark.parametrize(
        ("gpu", "sizes"), [(False, [1, 2, 3, 5, 9, 16, 16, 3]), (True, [1, 2, 4, 8, 16, 16, 16, 4])]
    )
    def test_a_cpu_computes_what_is_asked_for_and_a_gpu_powers_of_two_and_both_answer_the_same(
        self, small_file: Path, monkeypatch: pytest.MonkeyPatch, gpu: bool, sizes: list[int]
    ) -> None:
        crops = random_crops(5, 64)
        expected = small(small_file).classify(crops)
        monkeypatch.setattr(classifier_module, "has_gpu", lambda: gpu)
        for one, other in zip(expected, small(small_file).classify(crops), strict=True):
            assert_alike(one, other)
        assert self.sizes_of(monkeypatch, small_file, [1, 2, 3, 5, 9, 16, 19]) == sizes

    @pytest.mark.parametrize(("at_once", "sizes"), [(1, [1]), (2, [1, 2]), (5, [1, 2, 4, 8]), (16, [1, 2, 4, 8, 16])])
    def test_sizes_that_will_be_asked_for_are_warm(
        self, small_file: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, sizes: list[int]
    ) -> None:
        classify = Mock(wraps=EyeClassifier.classify)
        monkeypatch.setattr(EyeClassifier, "classify", lambda self, crops: classify(self, crops))
        small(small_file, warm_up_to=at_once)
        assert [len(call.args[1]) for call in classify.call_args_list] == sizes


class TestOtherModels:
    def test_a_users_own_model_of_the_documented_graph_needs_no_card_and_may_use_any_4_d_layer(
        self, save_model: SaveModel
    ) -> None:
        file = save_model(build_network())
        assert not file.with_suffix(".json").exists()
        classifier = EyeClassifier("Mine", file, CLASSES, "multiply")
        (prediction,) = classifier.classify(random_crops(1, 224))
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert {heatmap.shape for heatmap in prediction.heatmaps if heatmap is not None} == {(7, 7)}

    def test_classes_are_named_as_the_user_likes_and_crops_are_of_the_models_own_size(self, small_file: Path) -> None:
        classifier = small(small_file, ("a", "b", "c", "d"))
        assert classifier.info.classes[0] == "a"
        assert classifier.input_side == 64

    @pytest.mark.parametrize(("layer", "side"), [("pictures", 64), ("backbone", 16), ("coarse", 8), ("gated", 8)])
    def test_heatmaps_are_of_the_layer_that_is_asked_for(self, small_file: Path, layer: str, side: int) -> None:
        classifier = small(small_file, layer=layer)
        maps = [heatmap for crop in classifier.classify(random_crops(4, 64)) for heatmap in crop.heatmaps]
        assert {heatmap.shape for heatmap in maps if heatmap is not None} == {(side, side)}

    def test_a_softmax_in_a_layer_of_its_own_is_understood(self, save_model: SaveModel, small_model: Any) -> None:
        logits = keras.layers.Dense(4, name="logits")(small_model.get_layer("pooled").output)
        model = keras.Model(small_model.inputs, keras.layers.Softmax()(logits))
        crop = random_crops(1, 64)[0]
        expected = model(crop[np.newaxis].astype(np.float32) / 255).numpy()[0]
        (prediction,) = small(save_model(model)).classify([crop])
        np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-5)
        assert any(heatmap is not None for heatmap in prediction.heatmaps)


class TestRefusals:
    """Each stops the start with a sentence that opens with the variable to mend."""

    @pytest.mark.parametrize("name", ["absent.h5", ""], ids=["absent", "a folder"])
    def test_a_missing_file(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(StartupError, match=rf"^MODEL_PATH is wrong: .*{name or tmp_path.name}"):
            EyeClassifier("EyeNet", tmp_path / name, CLASSES, "multiply_1")

    @pytest.mark.parametrize(
        "content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\x89HDF\r\n\x1a\n", 0.1, 0.9]
    )
    def test_a_file_that_is_no_model_or_a_part_of_one(
        self, tmp_path: Path, settings: Settings, content: bytes | float
    ) -> None:
        if isinstance(content, float):
            whole = settings.model_path.read_bytes()
            content = whole[: int(len(whole) * content)]
        file = tmp_path / "text.h5"
        file.write_bytes(content)
        with pytest.raises(StartupError, match=r"^MODEL_PATH is wrong: .*text\.h5"):
            EyeClassifier("EyeNet", file, CLASSES, "multiply_1")

    @pytest.mark.parametrize("classes", [CLASSES[:3], (*CLASSES, "Glaucoma")])
    def test_another_number_of_classes(self, small_file: Path, classes: tuple[str, ...]) -> None:
        with pytest.raises(StartupError, match=f"^CLASSES is wrong: it names {len(classes)} classes.* 4 outputs"):
            small(small_file, classes)

    def test_another_order_than_the_card_says(self, small_file: Path) -> None:
        write_card(small_file)
        assert small(small_file).info.classes == CLASSES
        with pytest.raises(StartupError, match=r"^CLASSES is wrong: .*Cataract,Conjunctivitis,Healthy,Stye"):
            small(small_file, CLASSES[::-1])

    def test_a_layer_that_the_model_does_not_have(self, small_file: Path) -> None:
        with pytest.raises(StartupError, match=r"^GRAD_CAM_LAYER is wrong: .* no layer multiply_2; it has .*coarse"):
            small(small_file, layer="multiply_2")

    @pytest.mark.parametrize("layer", ["pooled", "scores"])
    def test_a_layer_without_places(self, small_file: Path, layer: str) -> None:
        with pytest.raises(StartupError, match=f"^GRAD_CAM_LAYER is wrong: the output of {layer} has 2 dimensions"):
            small(small_file, layer=layer)

    def test_a_model_without_a_softmax(self, save_model: SaveModel, small_model: Any) -> None:
        scores = keras.layers.Dense(4, activation="sigmoid")(small_model.get_layer("pooled").output)
        with pytest.raises(StartupError, match=r"^MODEL_PATH is wrong: .*softmax"):
            small(save_model(keras.Model(small_model.inputs, scores)))

    @pytest.mark.parametrize("shape", [(64, 48, 3), (64, 64, 1), (None, None, 3), (64,)])
    def test_a_model_that_takes_no_square_rgb_picture(
        self, save_model: SaveModel, shape: tuple[int | None, ...]
    ) -> None:
        inputs = keras.Input(shape)
        features = keras.layers.GlobalAveragePooling2D()(inputs) if len(shape) == 3 else inputs
        model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(features))
        with pytest.raises(StartupError, match=r"^MODEL_PATH is wrong: .*not a square RGB picture"):
            small(save_model(model))
