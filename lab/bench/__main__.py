"""`python -m benchmarks`: measures all sides, prints the page, and writes it with its plots and figures."""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.bench.agreement import Answers, ask_at_once, ask_one_by_one, compare, repeated, requests_of_all_works
from lab.bench.arguments import Arguments, parse_arguments
from lab.bench.figures import Figures
from lab.bench.machine import describe_machine
from lab.bench.memory import measure_memory
from lab.bench.page import write_page
from lab.bench.plan import Plan
from lab.bench.plots import draw_plots
from lab.bench.rounds import Round, measure_round
from lab.bench.sides.onnx_conversion import converted_model
from lab.bench.sides.process import SideProcess
from lab.bench.sides.side import SERVICE, SERVICE_FLOAT32
from lab.bench.work import write_bodies
from src.config.settings import PROJECT_ROOT, load_settings

_FOLDER = PROJECT_ROOT / "build" / "benchmarks"
_LOGS = _FOLDER / "logs"
_PARALLEL_REQUESTS = 32


def main() -> int:
    """
    Returns:
        the exit code: 0, or 1 if there are no figures to redraw.
    """
    arguments = parse_arguments()
    figures_file = arguments.out / "results" / "figures.json"
    if arguments.redraw:
        if not figures_file.is_file():
            print(f"There are no figures to redraw: {figures_file} is missing.", file=sys.stderr)
            return 1
        raw = json.loads(figures_file.read_text(encoding="utf-8"))
    else:
        raw = _measure(arguments)
    _write(Figures(raw), arguments.out, figures_file)
    return 0


def _measure(arguments: Arguments) -> dict[str, Any]:
    started = time.perf_counter()
    plan = arguments.plan
    machine = describe_machine()
    _say("preparing: pictures, the model for ONNX Runtime")
    bodies = write_bodies(_FOLDER / "bodies")
    converted_model(load_settings())
    rounds = []
    for index in range(plan.rounds):
        prefix = f"round {index + 1} of {plan.rounds}: "
        rounds.append(
            measure_round(plan, index, bodies, _LOGS, lambda words, prefix=prefix: _say(prefix + words))  # type: ignore[misc]
        )
    agreement: dict[str, Any] = {"sides": _agreement_of_sides(rounds[0])}
    memory = None
    if SERVICE.name in plan.sides:
        _say("the same answers one by one and at once")
        agreement["at_once"] = _agreement_at_once(plan)
        _say(f"memory over {plan.memory_requests:,} requests")
        memory = asdict(measure_memory(SERVICE, bodies, plan.memory_requests, _LOGS))
    return {
        "date": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "quick": arguments.quick,
        "plan": asdict(plan),
        "machine": machine,
        "body_bytes": {name: file.stat().st_size for name, file in bodies.items()},
        "rounds": [_without_answers(one) for one in rounds],
        "memory": memory,
        "agreement": agreement,
    }


def _without_answers(one: Round) -> dict[str, Any]:
    return {
        "sides": {name: asdict(side) for name, side in one.sides.items()},
        "floor": one.floor,
        "pictures": one.pictures,
    }


def _agreement_of_sides(one: Round) -> dict[str, Any]:
    """Each side with the service in float32, where that was measured."""
    answers: Mapping[str, Answers] = one.answers
    in_float32 = [name for name in (SERVICE_FLOAT32.name, SERVICE.name) if name in answers]
    in_float32 = [name for name in in_float32 if one.sides[name].precision in (None, "float32")]
    if not in_float32:
        return {}
    reference = answers[in_float32[0]]
    return {name: asdict(compare(reference, own)) for name, own in answers.items() if name != in_float32[0]}


def _agreement_at_once(plan: Plan) -> dict[str, Any]:
    requests = requests_of_all_works(plan.agreement_variants)
    # At least three times as many as are on their way at once, so that all meet all.
    many = repeated(requests, 3 * max(_PARALLEL_REQUESTS, len(requests)))
    with SideProcess(SERVICE, _LOGS) as process:
        alone = ask_one_by_one(process.port, requests)
        together = ask_at_once(process.port, many, _PARALLEL_REQUESTS)
    return asdict(compare([alone[index % len(alone)] for index in range(len(many))], together))


def _write(figures: Figures, out: Path, figures_file: Path) -> None:
    figures_file.parent.mkdir(parents=True, exist_ok=True)
    figures_file.write_text(json.dumps(figures.raw, separators=(",", ":")) + "\n", encoding="utf-8")
    plots = draw_plots(figures)
    for name, file in plots.items():
        (figures_file.parent / name).write_bytes(file)
    page = write_page(figures, plots)
    (out / "RESULTS.md").write_text(page, encoding="utf-8")
    print(page)
    _say(f"written to {out / 'RESULTS.md'}")


def _say(words: str) -> None:
    print(f"bench: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
