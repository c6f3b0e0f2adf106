"""What the command is told."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.bench.plan import FULL, QUICK, Plan
from lab.bench.sides.side import SIDES
from src.config.settings import PROJECT_ROOT

_PAGE_FOLDER = PROJECT_ROOT / "benchmarks"
_TRIAL_FOLDER = PROJECT_ROOT / "build" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Arguments:
    """
    Attributes:
        plan: what to measure.
        quick: whether it is a short look only.
        redraw: write the page of the figures that are there, and measure nothing.
        out: where RESULTS.md and results/ go.
    """

    plan: Plan
    quick: bool
    redraw: bool
    out: Path


def parse_arguments(words: Sequence[str] | None = None) -> Arguments:
    """Of the command line, or of `words`."""
    given = _parser().parse_args(words)
    plan = QUICK if given.quick else FULL
    chosen = {
        "rounds": given.rounds,
        "seconds": given.seconds,
        "at_once": None if given.concurrency is None else tuple(sorted(set(given.concurrency))),
        "sides": None if given.sides is None else tuple(side.name for side in SIDES if side.name in given.sides),
    }
    plan = replace(plan, **{name: value for name, value in chosen.items() if value is not None})
    # Only a full run replaces the page that is shown to others.
    is_full = plan == FULL or given.redraw
    return Arguments(plan, given.quick, given.redraw, given.out or (_PAGE_FOLDER if is_full else _TRIAL_FOLDER))


def _parser() -> argparse.ArgumentParser:
    names = [side.name for side in SIDES]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
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
