"""What is tried and how much: the full run, the quick one, and what the command line makes of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.common.results import parser_of
from src.config.settings import PROJECT_ROOT

PAGE_FOLDER = PROJECT_ROOT / "lab" / "chaos"
TRIAL_FOLDER = PROJECT_ROOT / "build" / "chaos"

PARTS = ("codec", "routes", "attacks", "bombs", "heavy", "failover", "faults", "network", "soak")
"""In this order: the long one comes last."""

CODEC, ROUTES, ATTACKS, BOMBS, HEAVY, FAILOVER, FAULTS, NETWORK, SOAK = PARTS


@dataclass(frozen=True, slots=True)
class Plan:
    """The defaults are those of a full run, about 50 minutes on two cores; rates are good requests per second.

    Attributes:
        pictures: mutated picture files, decoded in a process of their own; `data_uris` and `bodies` likewise.
        requests: mutated ones, sent to the real process.
        attack_s: seconds of good traffic beside each attack, and of the good traffic alone before them.
        heavy_requests: of 32 frames of 12 megapixels, sent at once.
        failover_requests: answered at least, while backends are killed and restarted.
        failover_calm_s: seconds between the moment at which a backend is healthy again and the next fault.
        soak_warm_up_s: seconds of the mixed load before its figures count.
    """

    pictures: int = 10_000
    data_uris: int = 750
    bodies: int = 750
    requests: int = 2500
    attack_s: float = 8.0
    attack_rate: float = 8.0
    idle_connections: int = 2000
    large_body_mb: int = 200
    heavy_requests: int = 16
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
    heavy_requests=4,
    failover_requests=300,
    failover_calm_s=5.0,
    soak_s=60.0,
    soak_rate=8.0,
    soak_warm_up_s=15.0,
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a part is given: how much is tried; a folder for logs, and for inputs that did harm; files of good requests,
    by the names of their work; and what reports progress.
    """

    plan: Plan
    folder: Path
    bodies: Mapping[str, Path]
    say: Callable[[str], None]


def parse_arguments(words: Sequence[str] | None = None) -> tuple[Plan, argparse.Namespace]:
    """The plan, and the words as they were given (`quick`, `redraw`, `parts`), with the folder `out` of the page."""
    parser = parser_of(
        "chaos",
        "Tries to break the service, and writes a page about it. A full run takes about 50 minutes on two cores, "
        "--quick about ten; let the machine do nothing else meanwhile. Needs Linux and nginx.",
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)} (default all)"
    )
    given = parser.parse_args(words)
    # Only full figures replace those that are shown to others; a single part of them may.
    given.out = TRIAL_FOLDER if given.quick else PAGE_FOLDER
    given.parts = [part for part in PARTS if part in (given.parts or PARTS)]
    return QUICK if given.quick else FULL, given
