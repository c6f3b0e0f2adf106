"""On what the network runs, in which precision, and how many eyes at once."""

from __future__ import annotations

from pathlib import Path

from src.config.settings import Settings
from src.core.errors import StartupError
from src.services.tensorflow_runtime import has_gpu
from src.utils.cpu_flags import cpu_flags

# One eye per pass, each pass on one core: measured faster than sharing a pass out over the cores, because nothing waits
# for anything, and what an eye is answered does not depend on the eyes beside it.
_EYES_PER_PASS_ON_CPU = 1
_EYES_PER_PASS_ON_GPU = 16
# One computes while the other's results are taken home.
_PASSES_AT_ONCE_ON_GPU = 2

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def choose_precision(asked: str, *, bfloat16_agrees: bool) -> str:
    """In which precision to multiply: what is asked for, or what is fast without changing answers.

    Args:
        asked: INFERENCE_PRECISION.
        bfloat16_agrees: whether the model was shown to answer the same in bfloat16; see `ModelCard`.

    Returns:
        float32, bfloat16 (8 bits of precision; CPU) or tensorfloat32 (11 bits; GPU).

    Raises:
        StartupError: the device does not have the precision that is asked for.
    """
    has_bfloat16 = not has_gpu() and cpu_has_bfloat16()
    if asked == "auto":
        return "bfloat16" if has_bfloat16 and bfloat16_agrees else "float32"
    if asked == "bfloat16" and not has_bfloat16:
        raise StartupError(
            "INFERENCE_PRECISION is wrong: bfloat16 needs a CPU with avx512_bf16 or amx_bf16, and no GPU."
        )
    if asked == "tensorfloat32" and not has_gpu():
        raise StartupError("INFERENCE_PRECISION is wrong: tensorfloat32 needs a GPU.")
    return asked


def eyes_per_pass(settings: Settings) -> int:
    """How many eyes a pass takes at most."""
    return settings.inference_batch_size or (_EYES_PER_PASS_ON_GPU if has_gpu() else _EYES_PER_PASS_ON_CPU)


def passes_at_once(settings: Settings) -> int:
    """How many passes run side by side at most."""
    return _PASSES_AT_ONCE_ON_GPU if has_gpu() else settings.worker_thread_count


def cpu_has_bfloat16(cpu_description: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor multiplies bfloat16 itself; False where there is no such file to tell (not Linux)."""
    return bool(_BFLOAT16_FLAGS & cpu_flags(cpu_description))
