"""Each check tells a sound installation from one that is not, and says what to do."""

from __future__ import annotations

import http.server
import json
import sys
import threading
from pathlib import Path

import pytest

from lab.common.backend import free_port
from src.cli.doctor.checks import (
    Status,
    check_disk,
    check_folders,
    check_memory,
    check_packages,
    check_port,
    check_python,
    check_settings,
    judge_disk,
    judge_memory,
    judge_processor,
)
from src.config.settings import load_settings
from tests.unit.cli.doctor.conftest import Configure, the_one


class TestPython:
    def test_the_one_that_runs_the_tests_will_do(self) -> None:
        assert the_one(check_python()).status is Status.OK

    @pytest.mark.parametrize("version", [(3, 9, 1), (3, 14, 0)])
    def test_older_and_newer_ones_have_no_wheels(
        self, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]
    ) -> None:
        monkeypatch.setattr(sys, "version_info", version)
        assert the_one(check_python()).status is Status.FAIL


class TestPackages:
    def test_those_of_the_tests_are_as_pinned(self) -> None:
        finding = the_one(check_packages())
        assert (finding.status, "as pinned" in finding.message) == (Status.OK, True)

    def test_each_that_is_missing_or_of_another_version_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "requirements.txt"
        file.write_text(
            "# why\n\nnumpy==0.1\nno-such-package==1\npydantic>=2  # fine\nno-such-either==1; python_version < '3'\n"
        )
        wrong, missing = check_packages(file)
        assert (wrong.status, missing.status) == (Status.WARN, Status.FAIL)
        assert "numpy is " in wrong.message
        assert "not ==0.1" in wrong.message
        assert "no-such-package is not installed" in missing.message

    def test_without_a_list_there_is_nothing_to_compare(self, tmp_path: Path) -> None:
        assert the_one(check_packages(tmp_path / "gone.txt")).status is Status.SKIP


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
        assert judge_processor(machine, 4, frozenset(flags)).status is status

    def test_what_makes_it_fast_is_named(self) -> None:
        finding = judge_processor("x86_64", 4, frozenset({"avx", "avx2", "avx512_bf16"}))
        assert finding.message == "4 cores, x86_64, avx2 avx512_bf16"


class TestMemory:
    @pytest.mark.parametrize(("gibibytes", "status"), [(0.5, Status.FAIL), (1.5, Status.WARN), (2.0, Status.OK)])
    def test_the_service_needs_what_was_measured(self, gibibytes: float, status: Status) -> None:
        assert judge_memory(gibibytes).status is status

    def test_a_containers_limit_counts(self, tmp_path: Path) -> None:
        limit, unlimited = tmp_path / "memory.max", tmp_path / "other"
        limit.write_text(f"{3 * 1024**3 // 2}\n")
        unlimited.write_text("max\n")
        assert the_one(check_memory([limit, unlimited, tmp_path / "gone"])).message.startswith("1.5 GiB")


class TestFolders:
    def test_those_that_are_needed_are_looked_at_and_not_made(self, configure: Configure, tmp_path: Path) -> None:
        configure(save_eyes=True, saved_eyes_dir=tmp_path / "a" / "b")
        assert the_one(check_folders()).status is Status.OK
        assert list(tmp_path.iterdir()) == []

    def test_one_that_cannot_be_made_fails(self, configure: Configure, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        configure(save_temp_images=True, temp_images_dir=tmp_path / "file" / "b")
        finding = the_one(check_folders())
        assert (finding.status, "TEMP_IMAGES_DIR" in finding.message) == (Status.FAIL, True)


class TestSettings:
    def test_valid_ones_are_valid(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr("src.config.settings.strange_lines", tuple)
        monkeypatch.setattr("src.config.settings.ENV_FILE", tmp_path / ".env")
        assert the_one(check_settings()).message == "valid, from the environment; there is no .env"

    def test_a_misspelt_variable_and_names_that_nobody_knows_are_warned_of(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("src.config.settings.strange_lines", lambda: (3, 7))
        monkeypatch.setenv("ALLOWED_ORIGIN", "http://localhost")
        misspelt, strange, valid = check_settings()
        assert [finding.status for finding in (misspelt, strange, valid)] == [Status.WARN, Status.WARN, Status.OK]
        assert misspelt.message == "ALLOWED_ORIGIN in the environment is no setting. Is ALLOWED_ORIGINS meant?"
        assert strange.message.endswith(".env sets what is no setting: lines 3, 7")

    def test_the_file_that_stops_the_start_fails_with_the_same_sentence(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".env").write_text("API_KEY=abcdefghijklmnop1234\n", encoding="utf-8")
        monkeypatch.setattr("src.config.settings.load_settings", lambda: load_settings(tmp_path / ".env"))
        finding = the_one(check_settings())
        assert finding.status is Status.FAIL
        assert "API_KEY is no setting. Is API_KEYS meant?" in finding.message


class TestDisk:
    @pytest.mark.parametrize(("mebibytes", "status"), [(100, Status.FAIL), (500, Status.WARN), (2000, Status.OK)])
    def test_it_should_have_room(self, tmp_path: Path, mebibytes: int, status: Status) -> None:
        assert judge_disk(tmp_path, mebibytes).status is status

    def test_each_disk_is_looked_at_once(self, configure: Configure) -> None:
        configure(save_eyes=True)
        assert len(list(check_disk())) == 1


class TestPort:
    def test_a_free_one_is_free(self, configure: Configure) -> None:
        port = free_port()
        configure(port=port)
        assert the_one(check_port()).message == f"127.0.0.1:{port} is free"

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (json.dumps({"status": 200, "message": "Healthy", "version": "1", "notice": "no device"}), Status.OK),
            ("<html>another server</html>", Status.FAIL),
            ("[]", Status.FAIL),
        ],
    )
    def test_a_taken_one_may_be_ours(self, configure: Configure, answer: str, status: Status) -> None:
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
            configure(port=server.server_address[1])
            finding = the_one(check_port())
            server.shutdown()
            thread.join()
        assert finding.status is status
