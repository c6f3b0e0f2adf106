"""Half precision is asked for and told; it changes all graphs that follow, so it happens in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from src.config.settings import PROJECT_ROOT
from src.services.tensorflow_runtime import tf

SCRIPT = """
from src.services.tensorflow_runtime import tf
from training import train
from training.learning.precision import enable_mixed_precision
precision = enable_mixed_precision()
print(precision.multiplications, precision.loss_scale)
print(*sorted(name for name, is_on in tf.config.optimizer.get_experimental_options().items() if is_on))
@tf.function
def product(a):
    return tf.matmul(a, a)
print(product(tf.ones((64, 64))).dtype.name)
train._disable_mixed_precision()
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
