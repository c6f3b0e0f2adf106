"""Gives mutated pictures, data URIs and bodies to the code that reads them, and watches what comes out.

It runs in a process of its own, `python -m lab.chaos.codec`, with the job as JSON on standard input and the figures as
JSON on standard output: a decoder that crashes or hangs ends that process only. What it was given last then lies in
`last_input`.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from hypothesis import strategies as st

from lab.chaos.mutated_pictures import picture_files
from lab.chaos.mutated_requests import bodies, data_uris, for_each_drawn
from lab.chaos.plan import Trial
from lab.common.summary import growth_of, percentile
from src.api.requests import parse_frames, parse_upload
from src.config.settings import PROJECT_ROOT, load_settings
from src.core.errors import EyeNetError
from src.utils.data_uri import decode_data_uri
from src.utils.image_codec import decode_picture

# For one input, before it counts as hanging and the process is ended.
_LONGEST_SECONDS = 10.0
_MEMORY_SAMPLES = 200
_MEGABYTE = 1024 * 1024


def measure_codec(trial: Trial) -> dict[str, Any]:
    """The figures, from a process of its own; a crash or a hang is one of them.

    Returns:
        `inputs` given, by kind; `outcomes`, "read" or the code of the error, and how often; `strange`, whatever else
        was raised, and how often, of which the last input lies in the folder; `slowest_ms` of one input, `p99_ms` of
        all; `resident_mb`, memory at equal counts of each kind, and its `memory_growth` over the pictures;
        `exit_code` of the process, other than 0 where it crashed or hung.
    """
    plan = trial.plan
    job = (plan.pictures, plan.data_uris, plan.bodies, str(trial.folder))
    with (trial.folder / "log").open("wb") as log:
        process = subprocess.run(
            [sys.executable, "-m", "lab.chaos.codec"],
            input=json.dumps(job).encode(),
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
        )
    nothing: dict[str, Any] = {"inputs": {}, "outcomes": {}, "strange": {}}
    return {**(nothing if process.returncode else json.loads(process.stdout)), "exit_code": process.returncode}


class _Feeder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inputs: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._strange: Counter[str] = Counter()
        self._milliseconds: list[float] = []
        self._memory: list[float] = []

    def run(self, pictures: int, data_uris_: int, bodies_: int) -> dict[str, Any]:
        settings = load_settings(env_file=None)

        def decode(file: bytes) -> object:
            return decode_picture(file, settings.max_image_pixels)

        self._feed("pictures", picture_files(), pictures, decode)
        # The pools of the allocator have filled up by now; what is sampled so far tells whether they went on growing.
        memory_growth = growth_of(self._memory)
        self._feed("data_uris", data_uris(), data_uris_, lambda text: decode(decode_data_uri(text)))
        self._feed("bodies", bodies(), bodies_ // 2, lambda body: parse_frames(body, settings.max_frames))
        self._feed("bodies", bodies(), bodies_ - bodies_ // 2, parse_upload)
        return {
            "inputs": self._inputs,
            "outcomes": self._outcomes,
            "strange": self._strange,
            "slowest_ms": max(self._milliseconds),
            "p99_ms": percentile(self._milliseconds, 99),
            "resident_mb": self._memory,
            "memory_growth": memory_growth,
        }

    def _feed(self, kind: str, inputs: st.SearchStrategy[Any], count: int, read: Callable[[Any], object]) -> None:
        every = max(1, count // _MEMORY_SAMPLES)
        before = self._inputs[kind]

        def take(drawn: Any) -> None:
            content = drawn.encode("utf-8", "surrogatepass") if isinstance(drawn, str) else drawn
            (self._folder / "last_input").write_bytes(content)
            started = time.perf_counter()
            faulthandler.dump_traceback_later(_LONGEST_SECONDS, exit=True)
            self._outcomes[self._outcome(read, drawn, content)] += 1
            faulthandler.cancel_dump_traceback_later()
            self._milliseconds.append((time.perf_counter() - started) * 1000)
            self._inputs[kind] += 1
            if (self._inputs[kind] - before) % every == 0:
                # What the allocator keeps of pictures that are gone goes up and down with their sizes, by a third.
                ctypes.CDLL("libc.so.6").malloc_trim(0)
                self._memory.append(round(psutil.Process().memory_info().rss / _MEGABYTE, 1))

        for_each_drawn(inputs, count, take)

    def _outcome(self, read: Callable[[Any], object], drawn: Any, content: bytes) -> str:
        try:
            read(drawn)
        except EyeNetError as error:
            return error.code
        except BaseException as error:
            # Anything at all: whatever is not an error of ours is what is looked for.
            name = f"{type(error).__module__}.{type(error).__name__}"
            self._strange[name] += 1
            (self._folder / f"strange.{name}").write_bytes(content)
            return "strange"
        return "read"


if __name__ == "__main__":
    # Pillow warns of damage before it raises; here that would be thousands of lines.
    warnings.simplefilter("ignore")
    _pictures, _data_uris, _bodies, _own_folder = json.load(sys.stdin)
    print(json.dumps(_Feeder(Path(_own_folder)).run(_pictures, _data_uris, _bodies)))
