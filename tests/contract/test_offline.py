"""The service needs nobody: it starts and answers where there is no network, and does not even look for one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from tests.contract.payloads import frame

_VISIT_SECONDS = 280


@pytest.fixture(scope="module")
def without_network() -> list[str]:
    """The command in front of another that takes the network away from it."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        pytest.skip("needs Linux and the command unshare (Debian, Ubuntu: util-linux)")
    command = [unshare, "--net"] if os.geteuid() == 0 else [unshare, "--map-root-user", "--net"]
    # Some systems let anybody make a namespace and nobody use it.
    script = "from tests.contract.offline_visit import switch_loopback_on; switch_loopback_on()"
    trial = subprocess.run(
        [*command, sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if trial.returncode != 0:
        pytest.skip(f"network namespaces are not allowed here: {trial.stderr.strip().splitlines()[-1]}")
    return command


def test_it_starts_and_answers_without_a_network_and_never_tries_to_leave(
    without_network: list[str], tmp_path: Path, face: RgbImage
) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps([frame(face)]), encoding="utf-8")
    visit = [sys.executable, "-m", "tests.contract.offline_visit", str(tmp_path / "log"), str(request)]
    ended = subprocess.run(
        [*without_network, *visit],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=_VISIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)

    assert seen["interfaces"] == ["lo"]
    assert seen["status"] == 200
    assert seen["answer"]["body"]["left_eye"]["found_by"] == "landmarks"
    assert seen["exit_code"] == 0
    assert seen["attempts_of_the_service"] == 0
    # Or a count that never moves would say the same.
    assert seen["attempts_of_ours"] >= 1
