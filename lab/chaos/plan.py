"""What is tried and how much: the full run, the quick one, and what the command line makes of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from src.config.settings import PROJECT_ROOT

PAGE_FOLDER = PROJECT_ROOT / "lab" / "chaos"
TRIAL_FOLDER = PROJECT_ROOT / "build" / "chaos"

CODEC = "codec"
ROUTES = "routes"
ATTACKS = "attacks"
FAILOVER = "failover"
FAULTS = "faults"
NETWORK = "network"
SOAK = "soak"
PARTS = (CODEC, ROUTES, ATTACKS, FAILOVER, FAULTS, NETWORK, SOAK)
"""In this order: the long one comes last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The defaults are those of a full run, about 40 minutes on two cores.

    Attributes:
        pictures: mutated picture files, decoded in a process of their own.
        data_uris: mutated data URIs, likewise.
        bodies: mutated request bodies, parsed likewise.
        requests: mutated requests, sent to the real process.
        attack_s: seconds of good traffic beside each attack, and of the good traffic alone before them.
        attack_rate: good requests per second meanwhile.
        idle_connections: opened at once.
        large_body_mb: of the largest body.
        failover_requests: answered at least, while backends are killed and restarted.
        failover_rate: per second.
        failover_calm_s: seconds between the moment at which a backend is healthy again and the next fault.
        soak_s: seconds of mixed load.
        soak_rate: good requests per second.
        soak_warm_up_s: seconds before the figures count.
    """

    pictures: int = 6000
    data_uris: int = 750
    bodies: int = 750
    requests: int = 2500
    attack_s: float = 8.0
    attack_rate: float = 8.0
    idle_connections: int = 2000
    large_body_mb: int = 200
    failover_requests: int = 1000
    failover_rate: float = 10.0
    failover_calm_s: float = 10.0
    soak_s: float = 1800.0
    soak_rate: float = 12.0
    soak_warm_up_s: float = 180.0


FULL = Plan()
QUICK = Plan(
    pictures=400,
    data_uris=50,
    bodies=50,
    requests=150,
    attack_s=3.0,
    attack_rate=5.0,
    idle_connections=500,
    failover_requests=300,
    failover_calm_s=5.0,
    soak_s=60.0,
    soak_rate=8.0,
    soak_warm_up_s=15.0,
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a part is given.

    Attributes:
        plan: how much is tried.
        folder: for logs, and for inputs that did harm.
        bodies: files of good requests, by the names of their work.
        say: reports progress.
    """

    plan: Plan
    folder: Path
    bodies: Mapping[str, Path]
    say: Callable[[str], None]


def parse_arguments(words: Sequence[str] | None = None) -> tuple[Plan, argparse.Namespace]:
    """The plan, and the words as they were given (`quick`, `parts`, `redraw`, `out`), of the command line or of
    `words`.
    """
    given = _parser().parse_args(words)
    # Only full figures replace those that are shown to others; a single part of them may.
    given.out = given.out or (TRIAL_FOLDER if given.quick else PAGE_FOLDER)
    given.parts = [part for part in PARTS if part in (given.parts or PARTS)]
    return QUICK if given.quick else FULL, given


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.chaos",
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
        help="where RESULTS.md and results/ go (default lab/chaos/, with --quick build/chaos/)",
    )
    parser.add_argument(
        "--redraw", action="store_true", help="write page and plots again from results/*.json; tries nothing"
    )
    return parser
