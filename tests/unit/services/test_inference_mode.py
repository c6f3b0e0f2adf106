"""The precision is what is asked for or safe, and a CPU and a GPU share work out differently."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from src.config.settings import load_settings
from src.core.errors import StartupError
from src.services import inference_mode
from src.services.inference_mode import choose_precision, cpu_has_bfloat16, eyes_per_pass, passes_at_once

FLAGS = "fpu vme sse2 avx avx2 avx512f avx512_vnni"
Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Says what the machine has."""

    def has(*, gpu: bool = False, bfloat16: bool = False) -> None:
        monkeypatch.setattr(inference_mode, "has_gpu", lambda: gpu)
        monkeypatch.setattr(inference_mode, "cpu_has_bfloat16", lambda: bfloat16)

    return has


class TestProcessor:
    @staticmethod
    def description(folder: Path, flags: str) -> Path:
        file = folder / "cpuinfo"
        core = f"processor\t: 0\nmodel name\t: Some Processor @ 2.00GHz\nflags\t\t: {flags}\nbugs\t\t: spectre_v1\n\n"
        file.write_text(core * 2, encoding="ascii")
        return file

    @pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
    @pytest.mark.parametrize("flags", ["{flag} {FLAGS}", "{FLAGS} {flag}", "{FLAGS} {flag} clzero"])
    def test_one_that_multiplies_bfloat16_says_so(self, tmp_path: Path, flags: str, flag: str) -> None:
        assert cpu_has_bfloat16(self.description(tmp_path, flags.format(flag=flag, FLAGS=FLAGS)))

    @pytest.mark.parametrize("flags", [FLAGS, "", f"{FLAGS} amx_tile amx_int8", f"{FLAGS} no_avx512_bf16_here"])
    def test_one_that_does_not_says_nothing_of_it(self, tmp_path: Path, flags: str) -> None:
        assert not cpu_has_bfloat16(self.description(tmp_path, flags))

    def test_only_the_flags_count(self, tmp_path: Path) -> None:
        file = tmp_path / "cpuinfo"
        file.write_text("model name\t: Not avx512_bf16 at all\nflags\t\t: fpu\nbugs\t\t: amx_bf16 \n", encoding="ascii")
        assert not cpu_has_bfloat16(file)

    def test_without_a_description_it_does_not_count_as_one(self, tmp_path: Path) -> None:
        assert not cpu_has_bfloat16(tmp_path / "absent")
        assert not cpu_has_bfloat16(tmp_path)

    def test_a_description_that_is_not_ascii_can_be_read(self, tmp_path: Path) -> None:
        file = tmp_path / "cpuinfo"
        file.write_bytes(b"model name\t: \xff\xfe\nflags\t\t: fpu avx512_bf16\n")
        assert cpu_has_bfloat16(file)


class TestPrecision:
    @pytest.mark.parametrize(
        ("gpu", "bfloat16", "agrees", "chosen"),
        [
            (False, True, True, "bfloat16"),
            (False, True, False, "float32"),
            (False, False, True, "float32"),
            (False, False, False, "float32"),
            (True, True, True, "float32"),
        ],
    )
    def test_by_itself_it_is_bfloat16_only_where_the_processor_has_it_and_the_model_answers_the_same(
        self, machine: Machine, gpu: bool, bfloat16: bool, agrees: bool, chosen: str
    ) -> None:
        machine(gpu=gpu, bfloat16=bfloat16)
        assert choose_precision("auto", bfloat16_agrees=agrees) == chosen

    @pytest.mark.parametrize("agrees", [True, False])
    def test_who_asks_for_bfloat16_gets_it_whatever_the_card_says(self, machine: Machine, agrees: bool) -> None:
        machine(bfloat16=True)
        assert choose_precision("bfloat16", bfloat16_agrees=agrees) == "bfloat16"

    @pytest.mark.parametrize("gpu", [True, False])
    def test_float32_is_everywhere(self, machine: Machine, gpu: bool) -> None:
        machine(gpu=gpu, bfloat16=True)
        assert choose_precision("float32", bfloat16_agrees=True) == "float32"

    def test_who_asks_for_tensorfloat32_gets_it_on_a_gpu(self, machine: Machine) -> None:
        machine(gpu=True)
        assert choose_precision("tensorfloat32", bfloat16_agrees=False) == "tensorfloat32"

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


class TestSharingOut:
    def test_on_a_cpu_each_worker_has_a_pass_of_one_eye(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine()
        monkeypatch.setenv("WORKER_THREADS", "5")
        settings = load_settings(env_file=None)
        assert (eyes_per_pass(settings), passes_at_once(settings)) == (1, 5)

    def test_on_a_gpu_sixteen_eyes_share_a_pass_whatever_workers_there_are(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine(gpu=True)
        monkeypatch.setenv("WORKER_THREADS", "5")
        settings = load_settings(env_file=None)
        assert (eyes_per_pass(settings), passes_at_once(settings)) == (16, 2)

    @pytest.mark.parametrize("gpu", [True, False])
    @pytest.mark.parametrize("asked", [1, 4, 16])
    def test_the_setting_wins(self, machine: Machine, monkeypatch: pytest.MonkeyPatch, asked: int, gpu: bool) -> None:
        machine(gpu=gpu)
        monkeypatch.setenv("INFERENCE_BATCH_SIZE", str(asked))
        assert eyes_per_pass(load_settings(env_file=None)) == asked
