"""The unit for bare machines: systemd understands it, it is closed, and its numbers are those of the service."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.config.settings import PROJECT_ROOT, Settings, load_settings
from src.supervisor.supervisor import KILL_AFTER_S, SILENCE_AFTER_STEP_S

UNIT = PROJECT_ROOT / "deploy" / "systemd" / "eyenet-backend.service"
# 0 is closed, 10 is open; systemd itself calls up to 2.0 "OK", an ordinary service has 9.6.
MOST_EXPOSED = 2.0

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd checks its own units: apt install systemd"
)


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str]]:
    """Names and values, in their order: some names come more than once."""
    text = UNIT.read_text(encoding="utf-8").splitlines()
    return [
        (name, value) for name, equals, value in (line.partition("=") for line in text) if equals and name[0] != "#"
    ]


@pytest.fixture
def environment(lines: list[tuple[str, str]]) -> dict[str, str]:
    pairs = " ".join(value for name, value in lines if name == "Environment").split()
    return dict(pair.split("=", 1) for pair in pairs)


def only(lines: list[tuple[str, str]], wanted: str) -> str:
    (value,) = (value for name, value in lines if name == wanted)
    return value


def test_only_the_supervisor_is_told_to_stop_in_time_and_survives_its_server_process_and_what_it_says_is_heeded(
    lines: list[tuple[str, str]], settings: Settings
) -> None:
    assert int(only(lines, "TimeoutStopSec")) > settings.drain_timeout_s + KILL_AFTER_S
    assert only(lines, "KillMode") == "mixed"
    assert only(lines, "OOMPolicy") == "continue"
    # Wrong settings are not tried again.
    assert only(lines, "Restart") == "on-failure"
    assert only(lines, "RestartPreventExitStatus") == "2"


def test_it_says_itself_that_it_is_ready_and_well_and_has_the_time_to_mend_itself_before_systemd_does(
    lines: list[tuple[str, str]], settings: Settings
) -> None:
    assert only(lines, "Type") == "notify"
    assert int(only(lines, "WatchdogSec")) >= 2 * (settings.step_timeout_s + SILENCE_AFTER_STEP_S)
    assert int(only(lines, "TimeoutStartSec")) >= 600


def test_it_writes_where_it_may_write_and_listens_where_it_may_be_reached(
    lines: list[tuple[str, str]], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(env_file=None)
    state = Path("/var/lib") / only(lines, "StateDirectory")
    assert settings.temp_images_dir.parent == settings.saved_eyes_dir.parent == state
    assert environment["CUDA_CACHE_PATH"] == f"/var/cache/{only(lines, 'CacheDirectory')}"
    assert only(lines, "IPAddressAllow") == "localhost"
    assert settings.listen_address == "127.0.0.1"


@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    # The program has to be there, and is not where the unit says.
    text = UNIT.read_text(encoding="utf-8").replace("/opt/eyenet-backend/.venv/bin/python", sys.executable)
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/eyenet-backend", str(PROJECT_ROOT)), encoding="utf-8")
    verify = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (verify.returncode, verify.stderr) == (0, "")


@needs_systemd
def test_systemd_calls_it_closed() -> None:
    limit = str(round(10 * MOST_EXPOSED))
    security = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={limit}", "--no-pager", str(UNIT)],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert security.returncode == 0, security.stdout
