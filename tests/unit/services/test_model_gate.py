"""What is no whole model of this file's own numbers is refused with a sentence, and nothing else is read."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from src.config.settings import Settings
from src.core.errors import StartupError
from src.services.classifier import EyeClassifier
from src.services.model_gate import open_model_file
from src.services.tensorflow_runtime import keras
from tests.services import write_tiny_model

BIAS = "model_weights/dense/dense/bias:0"
Forge = Callable[[h5py.File, Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    """One that may be damaged."""
    return Path(shutil.copy(whole, tmp_path / "model.h5"))


def refusal(file: Path) -> str:
    """What whoever starts the service is told."""
    with pytest.raises(StartupError) as stop:
        EyeClassifier("EyeNet", file, ["A", "B", "C", "D"], "multiply_1")
    sentence = str(stop.value)
    assert sentence.startswith(f"MODEL_PATH is wrong: {file} ")
    assert sentence.endswith(".")
    return sentence


def bias_of(file: h5py.File) -> str:
    """Where the last layer's bias is."""
    found: list[str] = []
    file.visit(lambda name: found.append(name) if name.endswith("bias:0") else None)
    return found[-1]


def replaced(make: Callable[[h5py.Group, str, Path], object]) -> Forge:
    """Puts something else in the place of the bias."""

    def forge(file: h5py.File, secret: Path) -> None:
        group, _, name = bias_of(file).rpartition("/")
        del file[group][name]
        make(file[group], name, secret)

    return forge


def virtual(group: h5py.Group, name: str, secret: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "data", (4,))
    group.create_virtual_dataset(name, layout)


def with_plugin(group: h5py.Group, name: str, _secret: Path) -> None:
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((4,))
    layout.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4,)), dcpl=layout)


FORGED: dict[str, tuple[Forge, str]] = {
    "external storage": (
        replaced(lambda group, name, secret: group.create_dataset(name, (4,), "f4", external=[(str(secret), 0, 16)])),
        "keeps the data set bias:0 in other files",
    ),
    "a virtual data set": (replaced(virtual), "keeps the data set bias:0 in other files"),
    "an external link": (
        replaced(lambda group, name, secret: group.__setitem__(name, h5py.ExternalLink(str(secret), "/data"))),
        "has a link, bias:0,",
    ),
    "a soft link": (
        replaced(lambda group, name, _: group.__setitem__(name, h5py.SoftLink("/elsewhere"))),
        "has a link, bias:0,",
    ),
    "all weights behind an external link": (
        lambda file, secret: (
            file.__delitem__("model_weights"),
            file.__setitem__("model_weights", h5py.ExternalLink(str(secret), "/")),
        ),
        "has a link, model_weights,",
    ),
    "a circle": (lambda file, _: file.create_group("odd").__setitem__("again", file["odd"]), "a circle of them"),
    "text": (
        replaced(lambda group, name, _: group.create_dataset(name, data=[b"abcd"])),
        "has a data set that is no numbers, bias:0",
    ),
    "references": (
        replaced(lambda group, name, _: group.create_dataset(name, (4,), h5py.ref_dtype)),
        "has a data set that is no numbers, bias:0",
    ),
    "a type without data": (
        replaced(lambda group, name, _: group.__setitem__(name, np.dtype("f4"))),
        "has something that is no data set, bias:0",
    ),
    "a plugin's filter": (replaced(with_plugin), "needs an HDF5 plugin for the data set bias:0"),
    "an absurd shape": (
        replaced(lambda group, name, _: group.create_dataset(name, (1 << 20, 1 << 20), "f4", chunks=(64, 64))),
        "claims to hold weights of 4,398,",
    ),
    "a compressed bomb": (
        replaced(
            lambda group, name, _: group.create_dataset(
                name, data=np.zeros(4_000_000, np.float32), compression="gzip", shuffle=True
            )
        ),
        "claims to hold weights of 16,00",
    ),
    "a reference as an attribute": (
        lambda file, _: file.attrs.__setitem__("odd", file["model_weights"].ref),
        "has an attribute that Keras does not write, odd",
    ),
    "many names": (
        lambda file, _: file["model_weights"].attrs.__setitem__("layer_names", np.zeros(10_001, np.int8)),
        "has an attribute that Keras does not write, layer_names",
    ),
    "weights only": (lambda file, _: file.attrs.__delitem__("model_config"), "holds no whole model"),
    "layers only": (lambda file, _: file.__delitem__("model_weights"), "holds no whole model"),
    "Keras 3": (
        lambda file, _: file.attrs.__setitem__("keras_version", "3.15.1"),
        "was saved by Keras 3.15.1, which Keras 2 does not read",
    ),
    "no text": (lambda file, _: file.attrs.__setitem__("model_config", 5), "does not describe a model"),
    "no UTF-8": (lambda file, _: file.attrs.__setitem__("model_config", np.bytes_(b"\xff")), "cannot be read"),
    "other weights": (
        replaced(lambda group, name, _: group.create_dataset(name, data=np.zeros(5, np.float32))),
        "its layers and its weights do not fit together",
    ),
    "fewer weights": (
        replaced(lambda *_: None),
        "its layers and its weights do not fit together",
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_file_that_keras_did_not_write_so_is_refused(model: Path, tmp_path: Path, case: str) -> None:
    forge, sentence = FORGED[case]
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as other:
        other["data"] = np.arange(4, dtype=np.float32)
    with h5py.File(model, "r+") as file:
        forge(file, secret)
    assert sentence in refusal(model)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
@pytest.mark.parametrize("case", ["external storage", "a virtual data set", "an external link"])
@pytest.mark.timeout(60)
def test_the_other_file_is_not_even_opened(model: Path, tmp_path: Path, case: str) -> None:
    """Whoever opens a pipe without a writer waits for ever."""
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as other:
        other["data"] = np.arange(4, dtype=np.float32)
    with h5py.File(model, "r+") as file:
        FORGED[case][0](file, secret)
    secret.unlink()
    os.mkfifo(secret)
    assert FORGED[case][1] in refusal(model)


def test_files_that_are_no_hdf5_are_told_what_they_are(model: Path, tmp_path: Path) -> None:
    content = model.read_bytes()
    model.write_bytes(b"")
    assert "is an empty file" in refusal(model)
    model.write_bytes(b"not HDF5 at all, only text")
    assert "is not an HDF5 file" in refusal(model)
    model.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0")
    assert "git lfs pull" in refusal(model)
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("config.json", "{}")
    assert "is a .keras archive" in refusal(model)
    assert "is a folder" in refusal(tmp_path)
    with pytest.raises(StartupError, match=r"^MODEL_PATH is wrong: there is no file .*gone\.h5\.$"):
        EyeClassifier("EyeNet", tmp_path / "gone.h5", ["A", "B"], "multiply_1")
    for length in (100, 1000, len(content) // 2, len(content) - 1):
        model.write_bytes(content[:length])
        assert "damaged or cut off" in refusal(model)


def test_a_file_that_may_not_be_read_is_not_called_damaged(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "may not be read by the user" in refusal(model)


def test_an_archive_of_keras_is_not_loaded(whole: Path, tmp_path: Path) -> None:
    """Keras would take it by its name, and what it describes has not been read."""
    archive = tmp_path / "model.keras"
    keras.models.load_model(whole, compile=False).save(archive, save_format="keras")
    assert "is a .keras archive, whatever its name" in refusal(archive)


@pytest.mark.parametrize("seed", range(60))
def test_a_file_with_a_few_bytes_changed_is_loaded_or_refused_with_a_sentence(model: Path, seed: int) -> None:
    dice = np.random.default_rng(seed)
    content = np.fromfile(model, np.uint8)
    # Where names, types and the description are: most of the rest are weights, of which any will do.
    content[dice.integers(0, len(content), 8)] = dice.integers(0, 256, 8)
    content.tofile(model)
    with contextlib.suppress(StartupError), open_model_file(model) as opened:
        assert opened.weights < 10_000


def test_the_shipped_model_one_with_its_optimiser_and_a_compressed_one_are_let_in(
    settings: Settings, whole: Path, tmp_path: Path
) -> None:
    with open_model_file(settings.model_path) as shipped:
        assert shipped.weights == 7_366_759
    trained = keras.models.load_model(whole, compile=False)
    trained.compile("adam", "categorical_crossentropy")
    trained.fit(np.zeros((2, 64, 64, 3)), np.zeros((2, 4)), verbose=0)
    trained.save(tmp_path / "trained.h5", save_format="h5")
    with h5py.File(tmp_path / "trained.h5", "r+") as file:
        weights: Any = file[bias_of(file)][...]
        name = bias_of(file)
        del file[name]
        file.create_dataset(name, data=weights, compression="gzip", chunks=True)
    assert EyeClassifier("EyeNet", tmp_path / "trained.h5", ["A", "B", "C", "D"], "multiply_1").input_side == 64
