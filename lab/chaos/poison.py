"""What a soak is poisoned with: requests that nobody should send, one after the other."""

from __future__ import annotations

import base64
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.chaos.attacks import GARBAGE, MALFORMED_CHUNKS, SMUGGLING
from lab.chaos.mutated_requests import HttpRequest
from lab.chaos.raw_http import NoReply, exchange
from lab.chaos.seed_pictures import seed_pictures

_SEED = 17
_REPLY_SECONDS = 60.0
_OVERSIZE_BYTES = 60_000_000


@dataclass(slots=True)
class PoisonOutcome:
    """
    Attributes:
        sent: requests.
        answers: statuses, and "closed" where there was none, and how often.
    """

    sent: int = 0
    answers: dict[str, int] = field(default_factory=dict)


class Poisoner:
    """Sends poison at a steady rate from a thread, as long as the `with` block lasts.

    Attributes:
        outcome: so far.
    """

    def __init__(self, port: int, rate: float) -> None:
        self._port = port
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.outcome = PoisonOutcome()

    def __enter__(self) -> Poisoner:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_REPLY_SECONDS)

    def _work(self) -> None:
        started = time.perf_counter()
        for index, request in enumerate(poisons()):
            due = started + index / self._rate
            if self._stop.wait(max(0.0, due - time.perf_counter())):
                return
            try:
                answer = str(exchange(self._port, request, _REPLY_SECONDS).status)
            except NoReply:
                answer = "closed"
            self.outcome.sent += 1
            self.outcome.answers[answer] = self.outcome.answers.get(answer, 0) + 1


def poisons() -> Iterator[bytes]:
    """Requests without end, of each kind in turn: the same on every run."""
    chance = random.Random(_SEED)  # noqa: S311 - not for secrets
    oversize = _posted("/upload", b'{"image": "')
    oversize = oversize.replace(b"Content-Length: 11", b"Content-Length: %d" % _OVERSIZE_BYTES)
    while True:
        yield _posted("/upload", b'{"image": "%s"}' % _bent_picture(chance))
        yield _posted("/predict", b'[{"image": "%s", "box": {"x": 1e308}}, 7]' % _bent_picture(chance))
        yield _posted("/predict", b"[" * chance.randrange(1, 5000))
        yield chance.choice(MALFORMED_CHUNKS)
        yield oversize
        yield chance.choice((*SMUGGLING, *GARBAGE))


def _posted(path: str, body: bytes) -> bytes:
    return HttpRequest("POST", path, (("Content-Type", "application/json"),), body).raw


def _bent_picture(chance: random.Random) -> bytes:
    """Base64 of a picture with a few bytes changed or its end cut off."""
    file = bytearray(chance.choice(list(seed_pictures().values())))
    for _ in range(chance.randrange(1, 8)):
        file[chance.randrange(len(file))] = chance.randrange(256)
    if chance.random() < 0.3:
        del file[chance.randrange(len(file)) :]
    return base64.b64encode(bytes(file))
