"""What the service loads is compared with what it should be, and then loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from src.cli.doctor.checks import Finding, Status
from src.cli.doctor.model_checks import (
    check_model,
    judge_detection_file,
    judge_probe,
)
from src.config.settings import Settings
from src.services.assets import AssetOrigin
from tests.unit.cli.doctor.conftest import Configure, the_one


class TestModel:
    @pytest.fixture
    def beside(self, settings: Settings, configure: Configure, tmp_path: Path) -> Path:
        """The shipped model and its card, where they may be damaged."""
        for file in settings.model_path.parent.glob(f"{settings.model_path.stem}.*"):
            shutil.copy(file, tmp_path)
        model = tmp_path / settings.model_path.name
        configure(model_path=model)
        return model

    @pytest.mark.parametrize(
        ("damage", "status", "words"),
        [
            (lambda model: model.unlink(), Status.FAIL, "there is no file"),
            (lambda model: model.write_bytes(model.read_bytes() + b"\0"), Status.WARN, "this one is damaged"),
            (lambda model: model.with_suffix(".json").unlink(), Status.WARN, "no card"),
            (lambda model: model.with_suffix(".familiarity.npz").write_bytes(b"x"), Status.FAIL, "familiarity"),
        ],
        ids=["missing", "damaged", "without a card", "damaged statistics"],
    )
    def test_what_is_wrong_is_said(
        self, beside: Path, damage: Callable[[Path], object], status: Status, words: str
    ) -> None:
        damage(beside)
        finding = the_one(check_model())
        assert (finding.status, words in finding.message) == (status, True)

    def test_classes_in_another_order_fail_with_the_right_ones(self, settings: Settings, configure: Configure) -> None:
        configure(classes=settings.classes[::-1])
        finding = the_one(check_model())
        assert (finding.status, finding.advice) == (Status.FAIL, f"set CLASSES={','.join(settings.classes)}")


class TestDetectionFiles:
    @pytest.fixture
    def packaged(self, tmp_path: Path) -> Path:
        file = tmp_path / "packaged.xml"
        file.write_text("as packaged")
        return file

    def test_a_copy_of_the_packaged_file_is_whole(self, tmp_path: Path, packaged: Path) -> None:
        target = tmp_path / "target.xml"
        shutil.copy(packaged, target)
        assert judge_detection_file(AssetOrigin(target, packaged, "package")).status is Status.OK

    def test_another_one_may_be_the_owners_or_damaged(self, tmp_path: Path, packaged: Path) -> None:
        target = tmp_path / "target.xml"
        target.write_text("as pack")
        finding = judge_detection_file(AssetOrigin(target, packaged, "package"))
        assert (finding.status, str(target) in str(finding.advice)) == (Status.WARN, True)

    def test_one_that_comes_with_the_first_start_is_no_problem(self, tmp_path: Path, packaged: Path) -> None:
        target = tmp_path / "not" / "there" / "target.xml"
        assert judge_detection_file(AssetOrigin(target, packaged, "package")).status is Status.OK
        assert not target.parent.exists()

    def test_one_that_is_nowhere_fails(self, tmp_path: Path) -> None:
        finding = judge_detection_file(AssetOrigin(tmp_path / "target.xml", None, "package"))
        assert (finding.status, finding.advice) == (Status.FAIL, "pip install --force-reinstall package")


FOUND = {
    "tensorflow": "2.14.1",
    "built_with_cuda": True,
    "device": "CPU",
    "precision": "float32",
    "detection": "detection loads",
    "seconds": 3.0,
}


class TestTensorflow:
    def judged(self, *, gpu: bool = False, **changes: object) -> list[Finding]:
        output = b"a word of a library\n" + json.dumps(FOUND | changes).encode() + b"\n"
        return list(judge_probe(0, output, has_nvidia_device=gpu))

    def test_a_cpu_is_fine(self) -> None:
        assert [finding.status for finding in self.judged()] == [Status.OK, Status.OK]

    def test_a_gpu_is_named(self) -> None:
        assert "GPU: H100" in self.judged(device="GPU: H100", gpu=True)[1].message

    def test_a_gpu_that_is_not_used_is_a_warning(self) -> None:
        finding = self.judged(gpu=True)[1]
        assert (finding.status, "CUDA 11.8" in str(finding.advice)) == (Status.WARN, True)

    def test_a_sentence_of_the_start_is_passed_on(self) -> None:
        output = json.dumps({"problem": "GRAD_CAM_LAYER is wrong.", "advice": "correct it"}).encode()
        finding = the_one(judge_probe(0, output, has_nvidia_device=False))
        assert (finding.status, finding.message) == (Status.FAIL, "GRAD_CAM_LAYER is wrong.")

    @pytest.mark.parametrize(("exit_code", "words"), [(-4, "signal SIGILL"), (1, "exit code 1")])
    def test_a_process_that_died_is_told(self, exit_code: int, words: str) -> None:
        finding = the_one(judge_probe(exit_code, b"not json", has_nvidia_device=False))
        assert (finding.status, words in finding.message) == (Status.FAIL, True)
