"""Visits the service where there is no network, and says what was seen: what test_offline.py runs in a namespace.

`python -m tests.contract.offline_visit LOG REQUEST`: the service's log, and a file with the body of a /predict.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import sys
from pathlib import Path

from lab.common.backend import ServiceProcess

# linux/sockios.h and linux/if.h
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_INTERFACE = "16sh"

# Of TEST-NET-1 (RFC 5737), which nobody has.
_NOBODY = ("192.0.2.1", 80)


def main(log: Path, request: Path) -> dict[str, object]:
    switch_loopback_on()
    before = attempts_to_leave()
    with ServiceProcess(log) as service:
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
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
