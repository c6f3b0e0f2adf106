"""Each check tells a sound installation from one that is not, and says what to do."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.cli.doctor.checks import (
    detection_files,
    disk,
    folders,
    memory,
    model,
    packages,
    port,
    processor,
    python,
    tensorflow,
)
from src.cli.doctor.checks import (
    settings as settings_check,
)
from src.cli.doctor.finding import Finding, Status
from src.config.settings import Settings
from src.services.assets import AssetOrigin


def the_one(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    assert (finding.advice is not None) == (finding.status in {Status.WARN, Status.FAIL})
    return finding


class TestPython:
    def test_the_one_that_runs_the_tests_will_do(self) -> None:
        assert the_one(python.look(None)).status is Status.OK

    @pytest.mark.parametrize("version", [(3, 9, 1), (3, 14, 0)])
    def test_older_and_newer_ones_have_no_wheels(
        self, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]
    ) -> None:
        monkeypatch.setattr(sys, "version_info", version)
        assert the_one(python.look(None)).status is Status.FAIL


class TestPackages:
    def test_those_of_the_tests_are_as_pinned(self) -> None:
        finding = the_one(packages.look(None))
        assert (finding.status, "as pinned" in finding.message) == (Status.OK, True)

    def test_each_that_is_missing_or_of_another_version_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "requirements.txt"
        file.write_text(
            "# why\n\nnumpy==0.1\nno-such-package==1\npydantic>=2  # fine\nno-such-either==1; python_version < '3'\n"
        )
        found = list(packages.compare(file))
        assert [finding.status for finding in found] == [Status.WARN, Status.FAIL]
        assert "numpy is " in found[0].message
        assert "not ==0.1" in found[0].message
        assert "no-such-package is not installed" in found[1].message

    def test_without_a_list_there_is_nothing_to_compare(self, tmp_path: Path) -> None:
        assert the_one(packages.compare(tmp_path / "gone.txt")).status is Status.SKIP


class TestProcessor:
    @pytest.mark.parametrize(
        ("machine", "flags", "status"),
        [
            ("x86_64", {"sse4_2"}, Status.FAIL),
            ("x86_64", {"avx"}, Status.WARN),
            ("x86_64", {"avx", "avx2", "avx512_bf16"}, Status.OK),
            ("aarch64", set(), Status.OK),
            ("x86_64", set(), Status.OK),
        ],
    )
    def test_tensorflow_needs_avx(self, machine: str, flags: set[str], status: Status) -> None:
        assert processor.judge(machine, 4, frozenset(flags)).status is status

    def test_what_makes_it_fast_is_named(self) -> None:
        finding = processor.judge("x86_64", 4, frozenset({"avx", "avx2", "avx512_bf16"}))
        assert finding.message == "4 cores, x86_64, avx2 avx512_bf16"

    def test_this_machine_is_looked_at(self) -> None:
        assert "cores" in the_one(processor.look(None)).message


class TestMemory:
    @pytest.mark.parametrize(("gibibytes", "status"), [(0.5, Status.FAIL), (1.5, Status.WARN), (2.0, Status.OK)])
    def test_the_service_needs_what_was_measured(self, gibibytes: float, status: Status) -> None:
        assert memory.judge(gibibytes).status is status

    def test_a_containers_limit_counts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        limit, unlimited = tmp_path / "memory.max", tmp_path / "other"
        limit.write_text(f"{3 * 1024**3 // 2}\n")
        unlimited.write_text("max\n")
        monkeypatch.setattr(memory, "_LIMIT_FILES", (limit, unlimited, tmp_path / "gone"))
        assert the_one(memory.look(None)).message.startswith("1.5 GiB")


class TestSettings:
    def test_valid_ones_are_said_to_be(self, settings: Settings) -> None:
        assert the_one(settings_check.look(settings)).status is Status.OK

    def test_a_wrong_one_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "none")
        finding = the_one(settings_check.look(None))
        assert finding.status is Status.FAIL
        assert finding.message.startswith("PORT is wrong")


class TestModel:
    @pytest.fixture
    def beside(self, settings: Settings, tmp_path: Path) -> Settings:
        """The shipped model and its card, where they may be damaged."""
        for file in settings.model_path.parent.glob(f"{settings.model_path.stem}.*"):
            shutil.copy(file, tmp_path)
        return settings.model_copy(update={"model_path": tmp_path / settings.model_path.name})

    def test_the_shipped_one_is_as_its_card_says(self, settings: Settings) -> None:
        assert the_one(model.look(settings)).status is Status.OK

    def test_a_missing_one_fails(self, beside: Settings) -> None:
        beside.model_path.unlink()
        assert "there is no file" in the_one(model.look(beside)).message

    def test_a_damaged_one_is_not_the_cards(self, beside: Settings) -> None:
        with beside.model_path.open("ab") as file:
            file.write(b"\0")
        finding = the_one(model.look(beside))
        assert finding.status is Status.WARN
        assert "this one is damaged" in finding.message

    def test_without_a_card_nothing_is_calibrated(self, beside: Settings) -> None:
        beside.model_path.with_suffix(".json").unlink()
        finding = the_one(model.look(beside))
        assert (finding.status, "no card" in finding.message) == (Status.WARN, True)

    def test_damaged_statistics_fail(self, beside: Settings) -> None:
        beside.model_path.with_name(f"{beside.model_path.stem}.familiarity.npz").write_bytes(b"x")
        finding = the_one(model.look(beside))
        assert (finding.status, "familiarity" in finding.message) == (Status.FAIL, True)

    def test_classes_in_another_order_fail_with_the_right_ones(self, settings: Settings) -> None:
        finding = the_one(model.look(settings.model_copy(update={"classes": settings.classes[::-1]})))
        assert finding.status is Status.FAIL
        assert finding.advice == f"set CLASSES={','.join(settings.classes)}"


class TestDetectionFiles:
    @pytest.fixture
    def packaged(self, tmp_path: Path) -> Path:
        file = tmp_path / "packaged.xml"
        file.write_text("as packaged")
        return file

    def test_a_copy_of_the_packaged_file_is_whole(self, tmp_path: Path, packaged: Path) -> None:
        target = tmp_path / "target.xml"
        shutil.copy(packaged, target)
        assert detection_files.judge(AssetOrigin(target, packaged, "package")).status is Status.OK

    def test_another_one_may_be_the_owners_or_damaged(self, tmp_path: Path, packaged: Path) -> None:
        target = tmp_path / "target.xml"
        target.write_text("as pack")
        finding = detection_files.judge(AssetOrigin(target, packaged, "package"))
        assert (finding.status, str(target) in str(finding.advice)) == (Status.WARN, True)

    def test_one_that_comes_with_the_first_start_is_no_problem(self, tmp_path: Path, packaged: Path) -> None:
        target = tmp_path / "not" / "there" / "target.xml"
        assert detection_files.judge(AssetOrigin(target, packaged, "package")).status is Status.OK
        assert not target.parent.exists()

    def test_one_that_is_nowhere_fails(self, tmp_path: Path) -> None:
        finding = detection_files.judge(AssetOrigin(tmp_path / "target.xml", None, "package"))
        assert (finding.status, finding.advice) == (Status.FAIL, "pip install --force-reinstall package")

    def test_all_three_are_looked_at(self) -> None:
        assert len(list(detection_files.look(None))) == 3


class TestFolders:
    def test_none_is_needed_by_default(self, settings: Settings) -> None:
        assert the_one(folders.look(settings)).message.startswith("none is written to")

    def test_those_that_are_needed_are_looked_at_and_not_made(self, settings: Settings, tmp_path: Path) -> None:
        saving = settings.model_copy(update={"save_eyes": True, "saved_eyes_dir": tmp_path / "a" / "b"})
        assert the_one(folders.look(saving)).status is Status.OK
        assert list(tmp_path.iterdir()) == []

    def test_one_that_cannot_be_made_fails(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        saving = settings.model_copy(update={"save_temp_images": True, "temp_images_dir": tmp_path / "file" / "b"})
        finding = the_one(folders.look(saving))
        assert finding.status is Status.FAIL
        assert "TEMP_IMAGES_DIR" in finding.message


class TestDisk:
    @pytest.mark.parametrize(("megabytes", "status"), [(100, Status.FAIL), (500, Status.WARN), (2000, Status.OK)])
    def test_it_should_have_room(self, tmp_path: Path, megabytes: int, status: Status) -> None:
        assert disk.judge(tmp_path, megabytes).status is status

    def test_each_disk_is_looked_at_once(self, settings: Settings) -> None:
        assert len(list(disk.look(settings.model_copy(update={"save_eyes": True})))) == 1


class TestPort:
    def test_a_free_one_is_free(self, settings: Settings) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        finding = the_one(port.look(settings.model_copy(update={"port": free})))
        assert finding.message == f"127.0.0.1:{free} is free"

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (json.dumps({"status": 200, "message": "Healthy", "version": "1", "notice": "no device"}), Status.OK),
            ("<html>another server</html>", Status.FAIL),
            ("[]", Status.FAIL),
        ],
    )
    def test_a_taken_one_may_be_ours(self, settings: Settings, answer: str, status: Status) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_: object) -> None:
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            finding = the_one(port.look(settings.model_copy(update={"port": server.server_address[1]})))
            server.shutdown()
            thread.join()
        assert finding.status is status


FOUND = {
    "tensorflow": "2.14.1",
    "built_with_cuda": True,
    "device": "CPU",
    "precision": "float32",
    "detection": "detection loads",
    "seconds": 3.0,
}


class TestTensorflow:
    def judged(self, *, exit_code: int = 0, gpu: bool = False, **changes: object) -> list[Finding]:
        output = b"a word of a library\n" + json.dumps(FOUND | changes).encode() + b"\n"
        return list(tensorflow.judge(exit_code, output, has_nvidia_device=gpu))

    def test_a_cpu_is_fine(self) -> None:
        assert [finding.status for finding in self.judged()] == [Status.OK, Status.OK]

    def test_a_gpu_is_named(self) -> None:
        assert "GPU: H100" in self.judged(device="GPU: H100", gpu=True)[1].message

    def test_a_gpu_that_is_not_used_is_a_warning(self) -> None:
        finding = self.judged(gpu=True)[1]
        assert (finding.status, "CUDA 11.8" in str(finding.advice)) == (Status.WARN, True)

    def test_a_sentence_of_the_start_is_passed_on(self) -> None:
        output = json.dumps({"problem": "GRAD_CAM_LAYER is wrong.", "advice": "correct it"}).encode()
        finding = the_one(tensorflow.judge(0, output, has_nvidia_device=False))
        assert (finding.status, finding.message) == (Status.FAIL, "GRAD_CAM_LAYER is wrong.")

    @pytest.mark.parametrize(("exit_code", "words"), [(-4, "signal SIGILL"), (1, "exit code 1")])
    def test_a_process_that_died_is_told(self, exit_code: int, words: str) -> None:
        finding = the_one(tensorflow.judge(exit_code, b"not json", has_nvidia_device=False))
        assert (finding.status, words in finding.message) == (Status.FAIL, True)


@pytest.mark.parametrize("check", [model, folders, port, tensorflow])
def test_without_settings_there_is_nothing_to_look_at(check: object) -> None:
    assert the_one(check.look(None)).status is Status.SKIP  # type: ignore[attr-defined]
