"""`python -m lab.bench`: measures all sides, prints the page, and writes it with its plots and figures."""

from __future__ import annotations

import datetime
import json
import sys
import time
from dataclasses import asdict
from typing import Any

from lab.bench.agreement import Answers, ask, compare, repeated, requests_of_all_works
from lab.bench.figures import Figures
from lab.bench.page import write_page
from lab.bench.plan import SERVICE, SERVICE_FLOAT32, TRIAL_FOLDER, Plan, parse_arguments
from lab.bench.plots import draw_plots
from lab.bench.rounds import measure_memory, measure_round
from lab.bench.sides.onnx import converted_model
from lab.common.machine import describe_machine
from lab.common.results import publish
from lab.common.work import write_bodies
from src.config.settings import load_settings

_LOGS = TRIAL_FOLDER / "logs"
_PARALLEL_REQUESTS = 32


def main() -> int:
    """
    Returns:
        the exit code: 0, or 1 if there are no figures to redraw.
    """
    plan, given = parse_arguments()
    figures_file = given.out / "results" / "figures.json"
    if not given.redraw:
        figures_file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_measure(plan, given.quick), separators=(",", ":"))
        figures_file.write_text(text + "\n", encoding="utf-8")
    if not figures_file.is_file():
        print(f"There are no figures to redraw: {figures_file} is missing.", file=sys.stderr)
        return 1
    figures = Figures(json.loads(figures_file.read_text(encoding="utf-8")))
    _say(f"written to {publish(write_page(figures), draw_plots(figures), given.out)}")
    return 0


def _measure(plan: Plan, is_quick: bool) -> dict[str, Any]:
    started = time.perf_counter()
    machine = describe_machine()
    _say("preparing: pictures, the model for ONNX Runtime")
    bodies = write_bodies(TRIAL_FOLDER / "bodies")
    converted_model(load_settings())
    rounds = []
    answers: dict[str, Answers] = {}
    for index in range(plan.rounds):
        _say(f"round {index + 1} of {plan.rounds}")
        figures, answers = measure_round(plan, index, bodies, _LOGS, _say)
        rounds.append(figures)
    _say("the same answers one by one and at once")
    agreement = {"sides": _agreement_of_sides(rounds[-1], answers), "at_once": _agreement_at_once(plan)}
    _say(f"memory over {plan.memory_requests:,} requests")
    memory = measure_memory(SERVICE, bodies, plan.memory_requests, _LOGS)
    return {
        "date": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "quick": is_quick,
        "plan": asdict(plan),
        "machine": machine,
        "body_bytes": {name: file.stat().st_size for name, file in bodies.items()},
        "rounds": rounds,
        "memory": memory,
        "agreement": agreement,
    }


def _agreement_of_sides(figures: dict[str, Any], answers: dict[str, Answers]) -> dict[str, Any]:
    """Each side with the service in float32, where that was measured."""
    for name in (SERVICE_FLOAT32.name, SERVICE.name):
        if name in answers and figures["sides"][name]["precision"] in {None, "float32"}:
            others = {other: own for other, own in answers.items() if other != name}
            return {other: asdict(compare(answers[name], own)) for other, own in others.items()}
    return {}


def _agreement_at_once(plan: Plan) -> dict[str, Any]:
    requests = requests_of_all_works(plan.agreement_variants)
    # At least three times as many as are on their way at once, so that all meet all.
    many = repeated(requests, 3 * max(_PARALLEL_REQUESTS, len(requests)))
    with SERVICE.process(_LOGS) as process:
        alone = ask(process.port, requests)
        together = ask(process.port, many, _PARALLEL_REQUESTS)
    return asdict(compare([alone[index % len(alone)] for index in range(len(many))], together))


def _say(words: str) -> None:
    print(f"bench: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
