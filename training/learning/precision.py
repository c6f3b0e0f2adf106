"""Half precision for the multiplications of a training run, where the machine is faster with it."""

from __future__ import annotations

from dataclasses import dataclass

from src.services.tensorflow_runtime import tf

_FLOAT16_LOSS_SCALE = 1024.0


@dataclass(frozen=True, slots=True)
class Precision:
    """
    Attributes:
        multiplications: the type in which they are done.
        loss_scale: factor by which a loss has to be scaled so that small gradients survive: float16 on a GPU has few
            exponents; bfloat16 on a CPU (oneDNN, fast from AVX-512 BF16 on) has as many as float32.
    """

    multiplications: str = "float32"
    loss_scale: float = 1.0


FULL_PRECISION = Precision()


def enable_mixed_precision() -> Precision:
    """Lets TensorFlow rewrite the graphs that are made from now on; weights stay float32."""
    if tf.config.list_physical_devices("GPU"):
        tf.config.optimizer.set_experimental_options({"auto_mixed_precision": True})
        return Precision("float16", _FLOAT16_LOSS_SCALE)
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": True})
    return Precision("bfloat16")
