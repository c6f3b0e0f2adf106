"""A model never learns from what is left out, and is trained once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.settings import PROJECT_ROOT
from src.services.tensorflow_runtime import keras, tf
from tests.unit.training.small_network import FROZEN_UP_TO, build_small_network
from training.data.pictures import LabelledPicture
from training.learning.fitting import FitRecipe, predict
from training.learning.network import CLASSES, INPUT_SIDE
from training.learning.rendering import RenderedSet
from training.learning.samples import EVIDENCE_SIDE, Sample, SampleKind
from training.learning.trainer import DESCRIBED, Precision, Trainer, describe

RECIPE = FitRecipe(frozen_up_to=FROZEN_UP_TO, views=40, head_steps=1, steps=1, batch=4)
PICTURES = [
    LabelledPicture(Path(name) / f"site_{number}.png", label, "site", f"site/{label}{number}", number)
    for label, name in enumerate(CLASSES)
    for number in range(5)
]
DOUBTFUL = LabelledPicture(Path("Cataract/x.jpg"), 0, "alokgupta1996", "alokgupta1996/g00396", 1)
ALL_PICTURES = [*PICTURES, DOUBTFUL]

Make = Callable[..., Trainer]


@pytest.fixture(scope="module")
def rendered() -> RenderedSet:
    """The picture and one copy of it, for each."""
    samples = [
        Sample(index, kind, picture.label, 0)
        for index, picture in enumerate(ALL_PICTURES)
        for kind in (SampleKind.ORIGINAL, SampleKind.PHOTOGRAPHED)
    ]
    samples.append(Sample(0, SampleKind.TRANSPLANTED, ALL_PICTURES[0].label, 0, host=0))
    samples.append(Sample(0, SampleKind.PAINTED_STYE, CLASSES.index("Stye"), 0))
    pictures = np.random.default_rng(0).integers(0, 256, (len(samples), INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
    return RenderedSet(samples, pictures, np.zeros((len(samples), EVIDENCE_SIDE, EVIDENCE_SIDE), np.uint8), "key")


@pytest.fixture
def make(rendered: RenderedSet, tmp_path: Path, backbone: Any) -> Make:
    weights = backbone.get_weights()

    def made(recipe: FitRecipe = RECIPE, seed: int = 0, **more: Any) -> Trainer:
        return Trainer(build_small_network, weights, ALL_PICTURES, rendered, recipe, seed, tmp_path, **more)

    return made


def left_out(*indices: int) -> Any:
    flags = np.zeros(len(ALL_PICTURES), dtype=bool)
    flags[list(indices)] = True
    return flags


def test_what_was_trained_is_saved_as_it_is_and_not_trained_again(
    make: Make, rendered: RenderedSet, tmp_path: Path
) -> None:
    steps: list[int] = []
    trainer = make(on_step=lambda: steps.append(1))
    first = trainer.model_without(left_out(0, 7))
    loaded = keras.models.load_model(first.file, compile=False)
    np.testing.assert_allclose(predict(loaded, rendered, first.tested), first.said, atol=1e-6)
    assert np.abs(first.said.sum(axis=1) - 1).max() < 1e-5
    written = first.file.stat().st_mtime_ns
    again = make(on_step=lambda: steps.append(1)).model_without(left_out(0, 7))
    assert again.file == first.file
    assert first.file.stat().st_mtime_ns == written
    assert np.array_equal(again.said, first.said)
    # The eye in another face is no test.
    assert first.tested.tolist() == again.tested.tolist() == [0, 1, 14, 15, len(rendered.samples) - 1]
    # The progress of a whole run counts both.
    assert len(steps) == 2 * RECIPE.all_steps
    assert sorted(file.suffix for file in tmp_path.glob("model_*")) == [".h5", ".npy"]
    assert len(list(tmp_path.glob("views_*"))) == 1


def test_each_model_begins_from_the_backbone_as_it_was(make: Make) -> None:
    """Otherwise a fold would hand on what it learnt from the pictures of the next."""
    trainer = make()
    alone = trainer.model_without(left_out(2))
    alone.file.with_suffix(".npy").unlink()
    trainer.model_without(left_out(1))
    after_another = trainer.model_without(left_out(2))
    np.testing.assert_allclose(after_another.said, alone.said, atol=1e-5)


def test_left_out_and_doubtful_pictures_are_never_drawn(make: Make, rendered: RenderedSet) -> None:
    hidden = np.isin([sample.picture for sample in rendered.samples], [0, 7, len(ALL_PICTURES) - 1])
    weights = make()._weights(left_out(0, 7))
    assert (weights[hidden] == 0).all()
    assert (weights[~hidden] > 0).all()
    assert weights.sum() == pytest.approx(1)


def test_pictures_are_described_by_what_no_training_changes(make: Make, rendered: RenderedSet, backbone: Any) -> None:
    trainer = make()
    assert trainer.described_layer == f"densenet121/{FROZEN_UP_TO}"
    found = trainer.descriptors()
    described = np.array([sample.kind in DESCRIBED for sample in rendered.samples])
    frozen = keras.Model(backbone.input, backbone.get_layer(FROZEN_UP_TO).output)
    expected = describe(frozen(rendered.pictures[described].astype(np.float32) / 255).numpy())
    np.testing.assert_allclose(found[described], expected, atol=1e-5)
    assert not found[~described].any()
    assert np.array_equal(make().descriptors(), found)
    assert make(replace(RECIPE, frozen_up_to="block")).descriptors().shape[1] == 2 * 1024


def test_another_recipe_seed_scale_choice_origin_or_source_is_another_model(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [
        make()._key(left_out(0)),
        make()._key(left_out(1)),
        make(replace(RECIPE, label_smoothing=0.2))._key(left_out(0)),
        make(seed=1)._key(left_out(0)),
        make(precision=Precision("float16", 2.0))._key(left_out(0)),
    ]
    assert make()._key(left_out(0)) == keys[0]
    # A label that is found to be doubtful, an origin that shares a patient with another: both decide on weights.
    first = ALL_PICTURES[0]
    for changed in (replace(first, group="alokgupta1996/g00410"), replace(first, origin="other")):
        another = make()
        another._pictures = [changed, *ALL_PICTURES[1:]]
        keys.append(another._key(left_out(0)))
    monkeypatch.setattr("training.learning.trainer.source_hash", lambda module: f"another version of {module}")
    keys.append(make()._key(left_out(0)))
    assert len(set(keys)) == len(keys)


def test_knows_labels_and_originals(make: Make) -> None:
    trainer = make()
    samples = np.array([0, 1, 11, 40])
    assert trainer.labels(samples).tolist() == [0, 0, 1, 0]
    assert trainer.is_original(samples).tolist() == [True, False, False, True]


SCRIPT = """
from src.services.tensorflow_runtime import tf
from training.learning.trainer import disable_mixed_precision, enable_mixed_precision
precision = enable_mixed_precision()
print(precision.multiplications, precision.loss_scale)
print(*sorted(name for name, is_on in tf.config.optimizer.get_experimental_options().items() if is_on))
@tf.function
def product(a):
    return tf.matmul(a, a)
print(product(tf.ones((64, 64))).dtype.name)
disable_mixed_precision()
print(*sorted(name for name, is_on in tf.config.optimizer.get_experimental_options().items() if is_on))
"""


def test_says_what_it_chose_and_train_takes_it_back() -> None:
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    chosen, asked_for, results, afterwards = process.stdout.splitlines()
    if tf.config.list_physical_devices("GPU"):
        assert (chosen, asked_for) == ("float16 1024.0", "auto_mixed_precision")
    else:
        assert (chosen, asked_for) == ("bfloat16 1.0", "auto_mixed_precision_onednn_bfloat16")
    assert results == "float32"
    assert afterwards == ""
