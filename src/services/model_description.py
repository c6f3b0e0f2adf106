"""The description of layers in a model file, read before Keras builds anything from it.

Keras 2 builds whatever an .h5 describes, and some descriptions run code or touch files while they are built or used
(CVE-2025-9905, CVE-2024-3660, CVE-2025-1550). A network that looks at pictures needs none of them. This refuses those
that are known; it does not make a stranger's file safe: see docs/security.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from src.core.errors import StartupError

# Python code of its own, a method of any object, a raw operation, another model from a path of its choice.
_LAYERS_WITH_CODE = frozenset(
    {"ClassMethod", "InstanceMethod", "InstanceProperty", "Lambda", "TensorFlowOpLayer", "TFSMLayer"}
)
# Functions of tensors. What is left out writes files (tf.print does), reads them, or loads libraries.
_PURE_FUNCTIONS = re.compile(
    r"(math|nn|linalg|image|__operators__)\.\w+"
    r"|cast|clip_by_value|concat|convert_to_tensor|expand_dims|identity|ones_like|pad|reshape|shape|split|squeeze|stack"
    r"|tile|transpose|where|zeros_like"
)
# Where Keras may look a class or a function up. Elsewhere are downloads, unpacking, and all of Python.
_MODULES = re.compile(
    r"(tf_)?keras\.(activations|constraints|initializers|layers|mixed_precision|models|regularizers)(\.\w+)*"
    r"|(tf_)?keras\.src\.(engine|models)(\.\w+)*"
)


def refuse_code(model_path: Path) -> None:
    """Does nothing for a file that describes layers only, and for one that is no model: Keras says what is wrong there.

    Raises:
        StartupError: the description contains code, or asks for something from outside Keras' layers.
    """
    for part in _parts(_description(model_path)):
        reason = _reason_against(part)
        if reason is not None:
            raise StartupError(
                f"MODEL_PATH is wrong: {model_path} {reason}, which can run code of whoever made the file. "
                "It is not loaded."
            )


def _description(model_path: Path) -> Any:
    try:
        with h5py.File(model_path, "r") as file:
            return json.loads(file.attrs["model_config"])
    except (OSError, KeyError, ValueError):
        return None


def _parts(description: Any) -> Iterator[dict[str, Any]]:
    """Every object in the description, however deep."""
    waiting = [description]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _reason_against(part: dict[str, Any]) -> str | None:
    kind, module = part.get("class_name"), part.get("module")
    if kind in _LAYERS_WITH_CODE:
        return f"has a {kind} layer"
    if module is not None and not _MODULES.fullmatch(str(module)):
        return f"takes something from the module {module}"
    if kind in {"TFOpLambda", "SlicingOpLambda"}:
        function = part.get("config", {}).get("function")
        if not _PURE_FUNCTIONS.fullmatch(str(function)):
            return f"calls tf.{function}"
    return None
