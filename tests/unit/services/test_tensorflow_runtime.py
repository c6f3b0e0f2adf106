"""The TensorFlow in use is one that can load the model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from src.config.settings import PROJECT_ROOT
from src.services.tensorflow_runtime import (
    device_name,
    enable_memory_growth,
    has_gpu,
    keras,
    run_each_pass_on_one_core,
    tf,
    use_precision,
)

BFLOAT16_OPTION = "auto_mixed_precision_onednn_bfloat16"


def test_keras_knows_the_layers_of_the_documented_graph() -> None:
    """Keras 3 does not."""
    layer = keras.layers.deserialize(
        {"class_name": "TFOpLambda", "config": {"name": "tf.math.reduce_mean", "function": "math.reduce_mean"}}
    )
    assert layer.name == "tf.math.reduce_mean"


def test_the_device_is_named() -> None:
    gpus = tf.config.list_physical_devices("GPU")
    assert device_name().startswith("GPU: ") if gpus else device_name() == "CPU"


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="this machine has no GPU")
def test_gpu_memory_is_taken_as_it_is_needed() -> None:
    enable_memory_growth()
    assert all(tf.config.experimental.get_memory_growth(gpu) for gpu in tf.config.list_physical_devices("GPU"))


def test_there_is_a_gpu_where_one_is_named() -> None:
    assert has_gpu() is device_name().startswith("GPU: ")


class TestOneCorePerPass:
    def test_a_new_process_computes_on_one_core_and_may_ask_again_when_it_has_computed(self) -> None:
        program = """
from src.services.tensorflow_runtime import run_each_pass_on_one_core, tf
run_each_pass_on_one_core()
print(tf.config.threading.get_intra_op_parallelism_threads(), int(tf.constant(1) + 1))
run_each_pass_on_one_core()
print(tf.config.threading.get_intra_op_parallelism_threads())
"""
        process = subprocess.run(
            [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=120
        )
        assert process.stdout.split() == ["1", "2", "1"]

    def test_a_process_that_computed_already_keeps_its_threads(self) -> None:
        program = """
from src.services.tensorflow_runtime import run_each_pass_on_one_core, tf
tf.config.threading.set_intra_op_parallelism_threads(3)
print(int(tf.constant(1) + 1))
run_each_pass_on_one_core()
print(tf.config.threading.get_intra_op_parallelism_threads(), int(tf.constant(2) + 2))
"""
        process = subprocess.run(
            [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=120
        )
        assert process.stdout.split() == ["2", "3", "4"]

    def test_it_does_no_harm_here_where_others_computed_before(self) -> None:
        assert int(tf.constant(1) + 1) == 2
        run_each_pass_on_one_core()
        assert int(tf.constant(2) + 2) == 4


class TestPrecision:
    @pytest.fixture(autouse=True)
    def afterwards_float32(self) -> Iterator[None]:
        """As the other tests of this process expect it."""
        yield
        use_precision("float32")

    @pytest.mark.parametrize(
        ("precision", "bfloat16", "tensorfloat32"),
        [("float32", False, False), ("bfloat16", True, False), ("tensorfloat32", False, True)],
    )
    @pytest.mark.parametrize("before", ["float32", "bfloat16", "tensorfloat32"])
    def test_it_is_one_of_three_whatever_it_was_before(
        self, before: str, precision: str, bfloat16: bool, tensorfloat32: bool
    ) -> None:
        use_precision(before)
        use_precision(precision)
        assert tf.config.optimizer.get_experimental_options().get(BFLOAT16_OPTION, False) is bfloat16
        assert tf.config.experimental.tensor_float_32_execution_enabled() is tensorfloat32


def test_graphs_that_are_left_as_they_are_give_the_same_and_may_still_be_fused() -> None:
    program = """
import numpy as np
from src.services.tensorflow_runtime import leave_graphs_as_they_are, tf
if {leave}:
    leave_graphs_as_they_are()
print(sorted(name for name, is_on in tf.config.optimizer.get_experimental_options().items() if is_on is False))
weights = tf.constant(np.linspace(-1, 1, 3 * 3 * 4 * 8, dtype=np.float32).reshape(3, 3, 4, 8))
picture = tf.constant(np.linspace(-1, 1, 16 * 16 * 4, dtype=np.float32).reshape(1, 16, 16, 4))
convolved = tf.function(lambda x: tf.nn.relu(tf.nn.conv2d(x, weights, 1, "SAME") + (tf.ones(8) * 2 - 1)))(picture)
print(float(tf.reduce_sum(convolved)))
"""
    told = {}
    for leave in (False, True):
        command = [sys.executable, "-c", program.format(leave=leave)]
        process = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
        told[leave] = process.stdout.splitlines()
    assert "constant_folding" not in told[False][0]
    assert "constant_folding" in told[True][0]
    assert "remapping" not in told[True][0]
    assert float(told[True][1]) == pytest.approx(float(told[False][1]), rel=1e-5)
