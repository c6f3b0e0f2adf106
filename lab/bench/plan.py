"""How much is measured: the full run, the quick one, and what the command line makes of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.bench.sides.side import FASTAPI_ONNX, SERVICE, SERVICE_BFLOAT16, SERVICE_FLOAT32, SIDES, USUAL
from src.config.settings import PROJECT_ROOT
from src.services.tensorflow_runtime import cpu_has_bfloat16

PAGE_FOLDER = PROJECT_ROOT / "lab" / "bench"
TRIAL_FOLDER = PROJECT_ROOT / "build" / "benchmarks"


def _sides() -> tuple[str, ...]:
    """The service in its default precision and in the other one if there is one, and what others would write."""
    other = SERVICE_BFLOAT16 if cpu_has_bfloat16() else SERVICE_FLOAT32
    return tuple(side.name for side in (SERVICE, other, FASTAPI_ONNX, USUAL))


@dataclass(frozen=True, slots=True)
class Plan:
    """The defaults are those of a full run.

    Attributes:
        rounds: each starts every side once.
        seconds: for each cell of the table.
        floor_seconds: for each measurement of the floor.
        at_once: numbers of requests at once, rising.
        sides: names; the floor is always measured.
        patience_s: a cell is left out where answering all that is sent at once would take longer.
        memory_requests: after which the memory must not have grown.
        agreement_variants: different pictures of each work that are sent one by one and all at once.
    """

    rounds: int = 3
    seconds: float = 2.5
    floor_seconds: float = 0.7
    at_once: Sequence[int] = (1, 4, 16, 64)
    sides: Sequence[str] = field(default_factory=_sides)
    patience_s: float = 16.0
    memory_requests: int = 2000
    agreement_variants: int = 8


FULL = Plan()
QUICK = Plan(
    rounds=1,
    seconds=1.0,
    floor_seconds=0.2,
    at_once=(1, 16, 64),
    patience_s=12.0,
    memory_requests=200,
    agreement_variants=4,
)


def parse_arguments(words: Sequence[str] | None = None) -> tuple[Plan, argparse.Namespace]:
    """The plan, and the words as they were given (`quick`, `redraw`, `out`), of the command line or of `words`."""
    given = _parser().parse_args(words)
    chosen = {
        "rounds": given.rounds,
        "seconds": given.seconds,
        "at_once": None if given.concurrency is None else tuple(sorted(set(given.concurrency))),
        "sides": None if given.sides is None else tuple(side.name for side in SIDES if side.name in given.sides),
    }
    plan = replace(
        QUICK if given.quick else FULL, **{name: value for name, value in chosen.items() if value is not None}
    )
    # Only a full run replaces the page that is shown to others.
    given.out = given.out or (PAGE_FOLDER if plan == FULL or given.redraw else TRIAL_FOLDER)
    return plan, given


def _parser() -> argparse.ArgumentParser:
    names = [side.name for side in SIDES]
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench",
        description="Compares this service with what others would write, and writes a page about it. A full run takes "
        "about twenty minutes on two cores, --quick about four; let the machine do nothing else meanwhile.",
    )
    parser.add_argument("--quick", action="store_true", help="one short round with fewer cells, for a first look")
    parser.add_argument("--rounds", type=_at_least_one, metavar="N", help=f"interleaved rounds (default {FULL.rounds})")
    parser.add_argument("--seconds", type=_above_zero, metavar="S", help=f"for each cell (default {FULL.seconds:g})")
    parser.add_argument(
        "--concurrency",
        type=_at_least_one,
        nargs="+",
        metavar="N",
        help=f"requests at once (default {' '.join(map(str, FULL.at_once))})",
    )
    parser.add_argument(
        "--sides", nargs="+", choices=names, metavar="SIDE", help=f"of {', '.join(names)} (default all)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where RESULTS.md and results/ go (default lab/bench/ for a full run, else build/benchmarks/)",
    )
    parser.add_argument(
        "--redraw", action="store_true", help="write page and plots again from results/figures.json; measures nothing"
    )
    return parser


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {value}")
    return value


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a time above 0, not {text}")
    return value
