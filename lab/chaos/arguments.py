"""What the command is told."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.chaos.parts import PARTS
from lab.chaos.plan import FULL, QUICK, Plan
from src.config.settings import PROJECT_ROOT

_PAGE_FOLDER = PROJECT_ROOT / "chaos"
TRIAL_FOLDER = PROJECT_ROOT / "build" / "chaos"


@dataclass(frozen=True, slots=True)
class Arguments:
    """
    Attributes:
        plan: how much is tried.
        parts: which, in the order of the page.
        quick: whether it is a short look only.
        redraw: write the page of the figures that are there, and try nothing.
        out: where RESULTS.md and results/ go.
    """

    plan: Plan
    parts: Sequence[str]
    quick: bool
    redraw: bool
    out: Path


def parse_arguments(words: Sequence[str] | None = None) -> Arguments:
    """Of the command line, or of `words`."""
    given = _parser().parse_args(words)
    # Only full figures replace those that are shown to others; a single part of them may.
    out = given.out or (TRIAL_FOLDER if given.quick else _PAGE_FOLDER)
    parts = [part for part in PARTS if part in (given.parts or PARTS)]
    return Arguments(QUICK if given.quick else FULL, parts, given.quick, given.redraw, out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chaos",
        description="Tries to break the service, and writes a page about it. A full run takes about 40 minutes on two "
        "cores, --quick about six; let the machine do nothing else meanwhile. Needs Linux and nginx.",
    )
    parser.add_argument("--quick", action="store_true", help="all parts in short, for a first look")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)} (default all)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where RESULTS.md and results/ go (default chaos/, with --quick build/chaos/)",
    )
    parser.add_argument(
        "--redraw", action="store_true", help="write page and plots again from results/*.json; tries nothing"
    )
    return parser
