"""What of a model file Keras may see: Keras 2 builds and reads whatever an .h5 says.

Weights can lie in other files of the machine (CVE-2026-1669), and a small file can claim to be large (CVE-2026-0897).
What a network needs is on lists, here and for its layers in `model_layers`; all else is refused before Keras is asked.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py

from src.core.errors import StartupError
from src.services.model_layers import OTHERWISE, ModelRefusedError, check_layers, shown

# Deflate, shuffle, checksum and LZF: what h5py has built in. Others are libraries that HDF5 would look for.
_FILTERS = frozenset({1, 2, 3, 32000})

_MOST_OBJECTS, _DEEPEST_GROUP, _MOST_NAMES = 100_000, 32, 10_000
_MOST_BYTES_OF_WEIGHTS, _BYTES_PER_BYTE_OF_FILE, _SPARE_BYTES = 2 * 1024**3, 16, 1024**2


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that has passed.

    Attributes:
        file: open for reading.
        weights: how many numbers its data sets have.
    """

    file: h5py.File
    weights: int


@contextmanager
def open_model_file(path: Path) -> Iterator[ModelFile]:
    """Opens the .h5 once, for looking into it and for Keras, so that nobody exchanges it in between.

    Raises:
        StartupError: it is no Keras 2 .h5 model, or holds anything else than a network for pictures scaled to 0-1; the
            sentence names MODEL_PATH, what it is, and what to do.
    """
    with contextlib.ExitStack() as opened:
        try:
            _refuse_other_formats(path)
            file = opened.enter_context(h5py.File(path, "r"))
            weights = _check_objects(file, path.stat().st_size)
            _check_description(file)
        except ModelRefusedError as refusal:
            raise StartupError(f"MODEL_PATH is wrong: {path} {refusal}.") from None
        except PermissionError:
            sentence = f"MODEL_PATH is wrong: {path} may not be read by the user that runs the service."
            raise StartupError(sentence) from None
        except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
            # Whatever HDF5 meets in a damaged file.
            raise StartupError(
                f"MODEL_PATH is wrong: {path} cannot be read as an HDF5 file ({type(error).__name__}): it is damaged "
                f"or cut off. {OTHERWISE}."
            ) from None
        yield ModelFile(file, weights)


def _refuse_other_formats(path: Path) -> None:
    if path.is_dir():
        raise ModelRefusedError("is a folder, not an .h5 file. Save the model with model.save('model.h5')")
    if not path.is_file():
        raise StartupError(f"MODEL_PATH is wrong: there is no file {path}.")
    with path.open("rb") as file:
        opening = file.read(16)
    if opening.startswith(b"PK\x03\x04"):
        raise ModelRefusedError("is a .keras archive, whatever its name. Save the model with model.save('model.h5')")
    if opening.startswith(b"version https://"):
        raise ModelRefusedError("is a pointer of Git LFS and not the file itself. Run: git lfs pull")
    if not h5py.is_hdf5(path):
        raise ModelRefusedError(f"is {'not an HDF5' if opening else 'an empty'} file. {OTHERWISE}")


def _check_objects(file: h5py.File, length: int) -> int:
    """Walks over everything before anything is read; returns how many numbers there are."""
    objects, numbers, claimed = 0, 0, 0
    waiting: list[tuple[Any, int]] = [(file, 0)]
    while waiting:
        group, depth = waiting.pop()
        _check_attributes(group, length)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelRefusedError(f"has a link, {shown(name)}, which may lead to other files. {OTHERWISE}")
            objects += 1
            if objects > _MOST_OBJECTS or depth > _DEEPEST_GROUP:
                raise ModelRefusedError(f"has too many parts, or a circle of them. {OTHERWISE}")
            part = group[name]
            if isinstance(part, h5py.Group):
                waiting.append((part, depth + 1))
                continue
            size = _check_data(part, name)
            _check_attributes(part, length)
            numbers += size
            claimed += size * part.dtype.itemsize
            if claimed > min(_MOST_BYTES_OF_WEIGHTS, _BYTES_PER_BYTE_OF_FILE * length + _SPARE_BYTES):
                sentence = f"has {length:,} bytes and claims to hold weights of {claimed:,} or more. {OTHERWISE}"
                raise ModelRefusedError(sentence)
    return numbers


def _check_data(part: Any, name: str) -> int:
    if not isinstance(part, h5py.Dataset):
        raise ModelRefusedError(f"has something that is no data set, {shown(name)}. {OTHERWISE}")
    layout = part.id.get_create_plist()
    # Asked before the shape: that of a virtual one is looked up in the other files.
    if layout.get_layout() == h5py.h5d.VIRTUAL or layout.get_external_count():
        raise ModelRefusedError(f"keeps the data set {shown(name)} in other files. {OTHERWISE}")
    if not {layout.get_filter(index)[0] for index in range(layout.get_nfilters())} <= _FILTERS:
        raise ModelRefusedError(f"needs an HDF5 plugin for the data set {shown(name)}. {OTHERWISE}")
    if part.dtype.kind not in "fiub" or part.dtype.itemsize > 8:
        raise ModelRefusedError(f"has a data set that is no numbers, {shown(name)}. {OTHERWISE}")
    return int(part.size or 0)


def _check_attributes(part: Any, length: int) -> None:
    """Texts and numbers only, and no more of them than a large network has names."""
    for name in part.attrs:
        attribute = part.attrs.get_id(name)
        is_text = h5py.check_string_dtype(attribute.dtype) is not None
        count = math.prod(attribute.shape or ())
        is_large = count > _MOST_NAMES or count * attribute.dtype.itemsize > length
        if is_large or not (is_text or attribute.dtype.kind in "fiub"):
            raise ModelRefusedError(f"has an attribute that Keras does not write, {shown(name)}. {OTHERWISE}")


def _check_description(file: h5py.File) -> None:
    version = _text(file.attrs.get("keras_version", ""))
    if re.match(r"[3-9]\.", version):
        raise ModelRefusedError(
            f"was saved by Keras {shown(version)}, which Keras 2 does not read. Save it with Keras 2: pip install "
            "tf-keras, TF_USE_LEGACY_KERAS=1"
        )
    if "model_config" not in file.attrs or "model_weights" not in file:
        raise ModelRefusedError("holds no whole model, only weights perhaps. Save it with model.save('model.h5')")
    check_layers(_text(file.attrs["model_config"]), partial(_learnt_means, file["model_weights"]))


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _learnt_means(weights: h5py.Group, name: str) -> list[float]:
    """Of a Normalization layer, wherever in the file."""
    found: list[float] = []

    def note(path: str, part: Any) -> None:
        if isinstance(part, h5py.Dataset) and re.search(rf"(^|/){re.escape(name)}/mean:0$", path):
            found.extend(part[...].reshape(-1).tolist())

    weights.visititems(note)
    return found
