"""The service needs nobody: it starts and answers where there is no network, and does not even look for one.

Run as a program, this file is the visitor that the test sends to where there is none.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from lab.common.backend import ServiceProcess
from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from tests.contract.payloads import frame

fcntl = pytest.importorskip("fcntl", reason="there is none on Windows")

_VISIT_SECONDS = 280
# linux/sockios.h and linux/if.h
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_INTERFACE = "16sh"

# Of TEST-NET-1 (RFC 5737), which nobody has.
_NOBODY = ("192.0.2.1", 80)


@pytest.fixture(scope="module")
def without_network() -> list[str]:
    """The command in front of another that takes the network away from it."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        pytest.skip("needs Linux and the command unshare (Debian, Ubuntu: util-linux)")
    command = [unshare, "--net"] if os.geteuid() == 0 else [unshare, "--map-root-user", "--net"]
    # Some systems let anybody make a namespace and nobody use it.
    script = "from tests.contract.test_offline import switch_loopback_on; switch_loopback_on()"
    trial = subprocess.run(
        [*command, sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if trial.returncode != 0:
        pytest.skip(f"network namespaces are not allowed here: {trial.stderr.strip().splitlines()[-1]}")
    return command


def test_it_starts_and_answers_without_a_network_and_never_tries_to_leave(
    without_network: list[str], tiny_model: Path, tmp_path: Path, face: RgbImage
) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps([frame(face)]), encoding="utf-8")
    visitor = [sys.executable, "-m", "tests.contract.test_offline"]
    ended = subprocess.run(
        [*without_network, *visitor, str(tmp_path / "log"), str(request), str(tiny_model)],
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


def visit(log: Path, request: Path, model: Path) -> dict[str, object]:
    """What is seen of a service where there is no network."""
    switch_loopback_on()
    before = attempts_to_leave()
    with ServiceProcess(log, MODEL_PATH=str(model)) as service:
        answer = service.client.post("/predict", content=request.read_bytes())
        exit_code = service.stop()
    after = attempts_to_leave()
    try_to_leave()
    return {
        "interfaces": [name for _, name in socket.if_nameindex() if flags_of(name) & _UP],
        "status": answer.status_code,
        "answer": answer.json(),
        "exit_code": exit_code,
        "attempts_of_the_service": after - before,
        "attempts_of_ours": attempts_to_leave() - after,
    }


def switch_loopback_on() -> None:
    """In a new namespace it is there, but off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack(_INTERFACE, b"lo", flags_of("lo") | _UP))


def flags_of(interface: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack(_INTERFACE, interface.encode(), 0))
        return int(struct.unpack(_INTERFACE, asked)[1])


def attempts_to_leave() -> int:
    """How often the kernel had no way to an address that anybody in this namespace asked for.

    Counted whoever asks, native libraries as well, and for questions to name servers too.
    """
    names, values = (
        line.split()[1:]
        for line in Path("/proc/net/snmp").read_text(encoding="ascii").splitlines()
        if line.startswith("Ip:")
    )
    sixth = dict(line.split() for line in Path("/proc/net/snmp6").read_text(encoding="ascii").splitlines())
    return int(dict(zip(names, values, strict=True))["OutNoRoutes"]) + int(sixth["Ip6OutNoRoutes"])


def try_to_leave() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as question:
        question.connect_ex(_NOBODY)
    with socket.socket() as connection:
        connection.connect_ex(_NOBODY)


if __name__ == "__main__":
    print(json.dumps(visit(*map(Path, sys.argv[1:]))))
