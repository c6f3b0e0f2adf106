"""Gives mutated pictures, data URIs and bodies to the code that reads them, and watches what comes out.

It runs in a process of its own, `python -m lab.chaos.codec_inputs`, with the counts as JSON on standard input and the
figures as JSON on standard output: a decoder that crashes or hangs ends that process only. What it was given last
then lies in `last_input`.
"""

from __future__ import annotations

import faulthandler
import json
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from hypothesis import strategies as st

from lab.bench.summary import growth, percentile
from lab.chaos.drawing import for_each_drawn
from lab.chaos.mutated_pictures import picture_files
from lab.chaos.mutated_requests import bodies, data_uris
from src.api.requests import parse_frames, parse_upload
from src.config.settings import PROJECT_ROOT, load_settings
from src.core.errors import EyeNetError
from src.utils.data_uri import decode_data_uri
from src.utils.image_codec import decode_picture

LONGEST_SECONDS = 10.0
"""For one input, before it counts as hanging and the process is ended."""

_MEMORY_SAMPLES = 200
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CodecJob:
    """
    Attributes:
        pictures: files to decode.
        data_uris: texts to decode.
        bodies: to parse, as frames and as an upload.
        folder: for the last input, and for those that raised what they should not.
    """

    pictures: int
    data_uris: int
    bodies: int
    folder: str


@dataclass(slots=True)
class CodecFigures:
    """
    Attributes:
        inputs: given, by kind.
        outcomes: "read", or the code of the error, and how often.
        strange: whatever else was raised, and how often; the shortest input of each lies in the folder.
        slowest_ms: of one input.
        p99_ms: of all.
        resident_mb: resident memory over the inputs, sampled at equal counts of each kind.
        memory_growth: see `lab.bench.summary.growth`, of the pictures.
        exit_code: of the process; other than 0 where it crashed or hung.
    """

    inputs: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    strange: dict[str, int] = field(default_factory=dict)
    slowest_ms: float = 0.0
    p99_ms: float = 0.0
    resident_mb: list[float] = field(default_factory=list)
    memory_growth: float | None = None
    exit_code: int = 0


def measure_codec(job: CodecJob, log_file: Path) -> CodecFigures:
    """The figures, from a process of its own; a crash or a hang is one of them."""
    Path(job.folder).mkdir(parents=True, exist_ok=True)
    with log_file.open("wb") as log:
        process = subprocess.run(
            [sys.executable, "-m", "lab.chaos.codec_inputs"],
            input=json.dumps(asdict(job)).encode(),
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
        )
    if process.returncode != 0:
        return CodecFigures(exit_code=process.returncode)
    return CodecFigures(**json.loads(process.stdout))


class _Feeder:
    def __init__(self, job: CodecJob) -> None:
        self._job = job
        self._folder = Path(job.folder)
        self._usage = psutil.Process()
        self._outcomes: Counter[str] = Counter()
        self._strange: Counter[str] = Counter()
        self._shortest: dict[str, int] = {}
        self._milliseconds: list[float] = []
        self._memory: list[float] = []

    def run(self) -> CodecFigures:
        job, settings = self._job, load_settings(env_file=None)

        def decode(file: bytes) -> None:
            decode_picture(file, settings.max_image_pixels)

        def decode_text(text: str) -> None:
            decode(decode_data_uri(text))

        def parse(body: bytes) -> None:
            # Robyn gives text where it is UTF-8, and bytes where it is not.
            parse_frames(body, settings.max_frames)

        def parse_one(body: bytes) -> None:
            parse_upload(body)

        self._feed(picture_files(), job.pictures, decode, lambda file: file)
        # The pools of the allocator have filled up by now; what is sampled so far tells whether they went on growing.
        memory_growth = growth(self._memory) if len(self._memory) >= 4 else None
        self._feed(data_uris(), job.data_uris, decode_text, lambda text: text.encode("utf-8", "surrogatepass"))
        self._feed(bodies(), job.bodies // 2, parse, lambda body: body)
        self._feed(bodies(), job.bodies - job.bodies // 2, parse_one, lambda body: body)
        return CodecFigures(
            {"pictures": job.pictures, "data_uris": job.data_uris, "bodies": job.bodies},
            dict(self._outcomes),
            dict(self._strange),
            max(self._milliseconds, default=0.0),
            percentile(self._milliseconds, 99) if self._milliseconds else 0.0,
            self._memory,
            memory_growth,
        )

    def _feed(
        self, inputs: st.SearchStrategy[Any], count: int, read: Callable[[Any], None], as_bytes: Callable[[Any], bytes]
    ) -> None:
        every = max(1, count // _MEMORY_SAMPLES)
        seen = 0

        def take(drawn: Any) -> None:
            nonlocal seen
            content = as_bytes(drawn)
            (self._folder / "last_input").write_bytes(content)
            started = time.perf_counter()
            faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True)
            self._outcomes[self._outcome(read, drawn, content)] += 1
            faulthandler.cancel_dump_traceback_later()
            self._milliseconds.append((time.perf_counter() - started) * 1000)
            seen += 1
            if seen % every == 0:
                self._memory.append(round(self._usage.memory_info().rss / _MEGABYTE, 1))

        for_each_drawn(inputs, count, take)

    def _outcome(self, read: Callable[[Any], None], drawn: Any, content: bytes) -> str:
        try:
            read(drawn)
        except EyeNetError as error:
            return error.code
        except BaseException as error:
            # Anything at all: whatever is not an error of ours is what is looked for.
            name = f"{type(error).__module__}.{type(error).__name__}"
            self._strange[name] += 1
            if len(content) < self._shortest.get(name, sys.maxsize):
                self._shortest[name] = len(content)
                (self._folder / f"strange.{name}").write_bytes(content)
            return "strange"
        return "read"


if __name__ == "__main__":
    # Pillow warns of damage before it raises; here that would be thousands of lines.
    warnings.simplefilter("ignore")
    print(json.dumps(asdict(_Feeder(CodecJob(**json.load(sys.stdin))).run())))
