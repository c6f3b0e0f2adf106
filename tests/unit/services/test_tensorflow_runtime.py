"""The TensorFlow in use is one that can load the model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src.config.settings import PROJECT_ROOT, load_settings
from src.core.errors import StartupError
from src.services import tensorflow_runtime
from src.services.tensorflow_runtime import (
    choose_precision,
    cpu_has_bfloat16,
    device_name,
    enable_memory_growth,
    eyes_per_pass,
    has_gpu,
    keras,
    passes_at_once,
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
    assert has_gpu() is bool(gpus)


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="this machine has no GPU")
def test_gpu_memory_is_taken_as_it_is_needed() -> None:
    enable_memory_growth()
    assert all(tf.config.experimental.get_memory_growth(gpu) for gpu in tf.config.list_physical_devices("GPU"))


def words_of(program: str) -> list[str]:
    """What the program prints, in a process of its own: TensorFlow's threads and options are those of a process."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=120
    ).stdout.split()


class TestOneCorePerPass:
    def test_a_new_process_computes_on_one_core_and_may_ask_again_when_it_has_computed(self) -> None:
        program = """
from src.services.tensorflow_runtime import run_each_pass_on_one_core, tf
run_each_pass_on_one_core()
print(tf.config.threading.get_intra_op_parallelism_threads(), int(tf.constant(1) + 1))
run_each_pass_on_one_core()
print(tf.config.threading.get_intra_op_parallelism_threads())
"""
        assert words_of(program) == ["1", "2", "1"]

    def test_a_process_that_computed_already_keeps_its_threads(self) -> None:
        program = """
from src.services.tensorflow_runtime import run_each_pass_on_one_core, tf
tf.config.threading.set_intra_op_parallelism_threads(3)
print(int(tf.constant(1) + 1))
run_each_pass_on_one_core()
print(tf.config.threading.get_intra_op_parallelism_threads(), int(tf.constant(2) + 2))
"""
        assert words_of(program) == ["2", "3", "4"]


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
weights = tf.constant(np.linspace(-1, 1, 3 * 3 * 4 * 8, dtype=np.float32).reshape(3, 3, 4, 8))
picture = tf.constant(np.linspace(-1, 1, 16 * 16 * 4, dtype=np.float32).reshape(1, 16, 16, 4))

def tell():
    options = tf.config.optimizer.get_experimental_options()
    convolve = tf.function(lambda x: tf.nn.relu(tf.nn.conv2d(x, weights, 1, "SAME") + (tf.ones(8) * 2 - 1)))
    print(options.get("constant_folding"), options.get("remapping"), float(tf.reduce_sum(convolve(picture))))

tell()
leave_graphs_as_they_are()
tell()
"""
    folding, fusing, usual, folding_then, fusing_then, left_as_it_is = words_of(program)
    assert (folding, folding_then) == ("None", "False")
    assert (fusing, fusing_then) == ("None", "None")
    assert float(left_as_it_is) == pytest.approx(float(usual), rel=1e-5)


FLAGS = "fpu vme sse2 avx avx2 avx512f avx512_vnni"
Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Says what the machine has."""

    def has(*, gpu: bool = False, bfloat16: bool = False) -> None:
        monkeypatch.setattr(tensorflow_runtime, "has_gpu", lambda: gpu)
        monkeypatch.setattr(tensorflow_runtime, "cpu_has_bfloat16", lambda: bfloat16)

    return has


@pytest.mark.parametrize(
    ("description", "multiplies"),
    [
        *[
            (
                f"processor\t: 0\nmodel name\t: Some Processor\nflags\t\t: {flags}\nbugs\t\t: spectre_v1\n\n" * 2,
                multiplies,
            )
            for flags, multiplies in [
                (f"avx512_bf16 {FLAGS}", True),
                (f"{FLAGS} amx_bf16", True),
                (f"{FLAGS} avx512_bf16 clzero", True),
                (FLAGS, False),
                ("", False),
                (f"{FLAGS} amx_tile amx_int8", False),
                (f"{FLAGS} no_avx512_bf16_here", False),
            ]
        ],
        ("model name\t: Not avx512_bf16 at all\nflags\t\t: fpu\nbugs\t\t: amx_bf16 \n", False),
        ("model name\t: \xff\xfe\nflags\t\t: fpu avx512_bf16\n", True),
    ],
)
def test_a_processor_multiplies_bfloat16_if_one_of_its_flags_says_so(
    tmp_path: Path, description: str, multiplies: bool
) -> None:
    file = tmp_path / "cpuinfo"
    assert not cpu_has_bfloat16(file)
    file.write_text(description, encoding="latin-1")
    assert cpu_has_bfloat16(file) is multiplies
    assert not cpu_has_bfloat16(tmp_path)


@pytest.mark.parametrize(("gpu", "eyes", "passes"), [(False, 1, 5), (True, 16, 2)])
def test_on_a_cpu_each_worker_has_a_pass_of_one_eye_on_a_gpu_sixteen_share_one_and_the_setting_wins(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, gpu: bool, eyes: int, passes: int
) -> None:
    machine(gpu=gpu)
    monkeypatch.setenv("WORKER_THREADS", "5")
    settings = load_settings(env_file=None)
    assert (eyes_per_pass(settings), passes_at_once(settings)) == (eyes, passes)
    for asked in (1, 4, 16):
        monkeypatch.setenv("INFERENCE_BATCH_SIZE", str(asked))
        assert eyes_per_pass(load_settings(env_file=None)) == asked


class TestChoiceOfPrecision:
    @pytest.mark.parametrize(
        ("asked", "gpu", "bfloat16", "agrees", "chosen"),
        [
            ("auto", False, True, True, "bfloat16"),
            ("auto", False, True, False, "float32"),
            ("auto", False, False, True, "float32"),
            ("auto", False, False, False, "float32"),
            ("auto", True, True, True, "float32"),
            ("bfloat16", False, True, True, "bfloat16"),
            ("bfloat16", False, True, False, "bfloat16"),
            ("float32", True, True, True, "float32"),
            ("float32", False, True, True, "float32"),
            ("tensorfloat32", True, False, False, "tensorfloat32"),
        ],
    )
    def test_it_is_what_is_asked_for_and_else_bfloat16_where_the_processor_has_it_and_the_model_answers_the_same(
        self, machine: Machine, asked: str, gpu: bool, bfloat16: bool, agrees: bool, chosen: str
    ) -> None:
        machine(gpu=gpu, bfloat16=bfloat16)
        assert choose_precision(asked, bfloat16_agrees=agrees) == chosen

    @pytest.mark.parametrize(
        ("asked", "gpu", "bfloat16", "needs"),
        [
            ("bfloat16", False, False, "avx512_bf16 or amx_bf16"),
            ("bfloat16", True, True, "no GPU"),
            ("tensorfloat32", False, True, "needs a GPU"),
        ],
    )
    def test_what_the_machine_does_not_have_is_refused_with_a_sentence_that_names_the_variable(
        self, machine: Machine, asked: str, gpu: bool, bfloat16: bool, needs: str
    ) -> None:
        machine(gpu=gpu, bfloat16=bfloat16)
        with pytest.raises(StartupError, match=rf"^INFERENCE_PRECISION is wrong: {asked} needs .*\.$") as refusal:
            choose_precision(asked, bfloat16_agrees=True)
        assert needs in str(refusal.value)
