"""The parts of a run: each measured on its own, its figures saved when it is over, whatever befalls the others."""

from __future__ import annotations

import datetime
import json
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lab.bench.machine import describe_machine
from lab.bench.work import write_bodies
from lab.chaos.attack_figures import measure_attacks
from lab.chaos.codec_inputs import CodecJob, measure_codec
from lab.chaos.failover_figures import measure_failover
from lab.chaos.plan import Plan
from lab.chaos.route_inputs import measure_routes
from lab.chaos.say import Say
from lab.chaos.soak_figures import measure_soak
from lab.chaos.suites import NO_NETWORK, START_FAULTS, measure_suites

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
class Surroundings:
    """What every part is given.

    Attributes:
        plan: how much is tried.
        folder: for logs, and for inputs that did harm.
        bodies: files of good requests, by the names of their work.
        say: tells how far it is.
    """

    plan: Plan
    folder: Path
    bodies: Mapping[str, Path]
    say: Say


def surroundings_in(folder: Path, plan: Plan, say: Say) -> Surroundings:
    """Everything a part needs, in a folder that git does not see."""
    folder.mkdir(parents=True, exist_ok=True)
    return Surroundings(plan, folder, write_bodies(folder / "bodies"), say)


def measure_part(name: str, surroundings: Surroundings, is_quick: bool) -> dict[str, Any]:
    """The figures of a part with its date, its time and its machine; what went wrong with it, where something did."""
    measure: Callable[[Surroundings], dict[str, Any]] = _MEASURES[name]
    machine = describe_machine()
    started = time.perf_counter()
    figures, error = None, None
    own = surroundings.folder / name
    # What an earlier run of the part left there is not this run's.
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    try:
        figures = measure(replace(surroundings, folder=own))
    except Exception as failure:
        # One part that fails must not cost the figures of the others; the page shows that it failed.
        error = f"{type(failure).__name__}: {failure}"
        surroundings.say(traceback.format_exc())
    return {
        "part": name,
        "date": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "quick": is_quick,
        "plan": asdict(surroundings.plan),
        "machine": machine,
        "error": error,
        "figures": figures,
    }


def save_part(part: Mapping[str, Any], results: Path) -> None:
    """Replaces the figures of this part that were there."""
    results.mkdir(parents=True, exist_ok=True)
    text = json.dumps(part, separators=(",", ":"), default=str)
    (results / f"{part['part']}.json").write_text(text + "\n", encoding="utf-8")


def saved_parts(results: Path) -> dict[str, dict[str, Any]]:
    """The figures that are there, by part, in the order of the page."""
    files = {name: results / f"{name}.json" for name in PARTS}
    return {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}


def _codec(given: Surroundings) -> dict[str, Any]:
    plan = given.plan
    given.say(f"{plan.pictures + plan.data_uris + plan.bodies:,} mutated inputs to the codec")
    job = CodecJob(plan.pictures, plan.data_uris, plan.bodies, str(given.folder / "codec"))
    return asdict(measure_codec(job, given.folder / "codec.log"))


def _routes(given: Surroundings) -> dict[str, Any]:
    given.say(f"{given.plan.requests:,} mutated requests to the real process")
    return measure_routes(given.plan.requests, given.folder)


def _attacks(given: Surroundings) -> dict[str, Any]:
    given.say("attacks on the gateway")
    return measure_attacks(given.plan, given.bodies, given.folder, given.say)


def _failover(given: Surroundings) -> dict[str, Any]:
    given.say("two backends, killed and restarted")
    return measure_failover(given.plan, given.bodies, given.folder, given.say)


def _faults(given: Surroundings) -> dict[str, Any]:
    given.say("faults at start, of the disk and of the clock")
    return measure_suites(START_FAULTS, given.folder)


def _network(given: Surroundings) -> dict[str, Any]:
    given.say("without any network")
    return measure_suites(NO_NETWORK, given.folder)


def _soak(given: Surroundings) -> dict[str, Any]:
    given.say(f"{given.plan.soak_s / 60:g} minutes of mixed load with poison")
    return measure_soak(given.plan, given.bodies, given.folder, given.say)


_MEASURES: Mapping[str, Callable[[Surroundings], dict[str, Any]]] = {
    CODEC: _codec,
    ROUTES: _routes,
    ATTACKS: _attacks,
    FAILOVER: _failover,
    FAULTS: _faults,
    NETWORK: _network,
    SOAK: _soak,
}
