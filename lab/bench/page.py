"""The results page in Markdown."""

from __future__ import annotations

from lab.bench.aims import compare_with_aims, count_met
from lab.bench.figures import Figures
from lab.bench.plan import SERVICE, TITLES
from lab.common.machine import machine_in_words, versions_in_words
from lab.common.results import NOTHING, number, plot, table
from lab.common.summary import Ratio, median, ratio
from lab.common.work import WORKS

_INTRODUCTION = """\
# How this service compares

Written by `make bench`; `make bench ARGS="--redraw"` writes it again from
[the raw figures](results/figures.json) without measuring. Everything is a ratio to something measured in the same
rounds, because milliseconds of one machine say nothing about another. The sides:

- **this service**, as `python main.py` starts it, and once more in the other precision (`INFERENCE_PRECISION`);
- **FastAPI and ONNX Runtime**: what a good team would pick. The same weights, detector, crops and previews, Grad-CAM in
  closed form, one thread per pass and a worker per core ([its file](sides/fastapi_onnx.py) says how it is set);
- **the usual way**, written plainly: a thread per frame, `model.predict`, a Grad-CAM model built per request, a lock
  around dlib ([its file](sides/usual.py));
- **the floor**: bare passes of the network, no server around them. TensorFlow runs the service's own rewritten graph,
  ONNX Runtime the backbone without heatmaps; of each, the best spread over the cores counts.

Only one of them runs at a time; each round starts every side anew, and begins with another one. A figure is the median
over the rounds; in brackets are the lowest and the highest ratio of a single round.
"""

_LIMITS = """\
## What this does not say

- The load generator runs on the same cores as the servers, and takes up to {client_share:.0%} of one; the floor has
  none beside it.
- One portrait and one eye, made grainy: pictures without a face in a box, or with small faces, cost more detection.
- Percentiles of cells with few answers are coarse: the p99 of fewer than a hundred answers is the slowest of them.
- The usual way answers less: no calibrated scores, no familiarity, no quality of the picture, and it reads no box.
  FastAPI and ONNX Runtime leave out the familiarity alone.
"""


def write_page(figures: Figures) -> str:
    """The page, with its plots in `results/` beside it."""
    client_shares = [cell.get("client_share_of_a_core") for side in figures.sides for cell in figures.all_cells(side)]
    sections = [
        _INTRODUCTION,
        _machine(figures),
        _aims(figures),
        _throughput(figures),
        plot("latency", "Latency over requests at once, as measured on this machine"),
        _latency(figures),
        plot("stages", "Share of each stage, as measured on this machine"),
        _floor(figures),
        _processes(figures),
        plot("memory", "Resident memory, as measured on this machine"),
        _agreement(figures),
        _LIMITS.format(client_share=max(share or 0.0 for share in client_shares)),
    ]
    return "\n".join(sections)


def _machine(figures: Figures) -> str:
    raw = figures.raw
    machine, plan = raw["machine"], raw["plan"]
    sizes = ", ".join(f"{work.title}: {raw['body_bytes'][work.name] / 1e6:.1f} MB" for work in WORKS)
    quick = " **Quick run: one short round, for a first look only.**" if raw.get("quick") else ""
    return (
        f"Measured on {raw['date']} in {raw['minutes']:.0f} minutes, {plan['rounds']} rounds, "
        f"{plan['seconds']:g} s per cell.{quick}\n\n"
        f"- Machine: {machine_in_words(machine)}; load before the run {machine['load_before']}\n"
        f"- {versions_in_words(machine)}\n"
        f"- This service multiplied in {figures.precision(SERVICE.name)} by default\n"
        f"- Bodies: {sizes}\n"
    )


def _aims(figures: Figures) -> str:
    results = compare_with_aims(figures)
    met, known = count_met(results)
    verdicts = {True: "met", False: "**not met**", None: "not decided"}
    rows = [[result.aim, result.measured, verdicts[result.met]] for result in results]
    why = "[Where the time goes](PROFILE.md) says why the others are not."
    return f"## Aims\n\n{met} of {known} met. {why}\n\n{table(['aim', 'measured', ''], rows)}"


def _throughput(figures: Figures) -> str:
    sides = [side for side in figures.sides if side != SERVICE.name]
    precision = figures.precision(SERVICE.name)
    header = ["work", "at once", "this service, requests/s", *(TITLES[side] for side in sides), "floor"]
    rows = []
    for work in WORKS:
        for count in figures.at_once:
            own = figures.of_cell(SERVICE.name, work.name, count, "requests_per_s")
            eyes_per_s = figures.floor_eyes_per_s("tensorflow", precision, work.eyes)
            floor = _times(ratio([eyes and eyes / work.eyes for eyes in eyes_per_s], own))
            others = (_compared(figures, side, work.name, count) for side in sides)
            rows.append([work.title, str(count), number(median(own), ".1f"), *others, floor])
    return (
        "## Throughput\n\n"
        "Requests per second of this service, as measured on this machine, and the others' as multiples of them. The "
        f"floor is that of TensorFlow in {precision}, with as many eyes per pass as a request brings.\n\n"
        f"{table(header, rows)}\nLeft out: answering all that is sent at once would have taken longer than "
        f"{figures.raw['plan']['patience_s']:g} s.\n"
    )


def _compared(figures: Figures, side: str, work: str, at_once: int) -> str:
    is_left_out = figures.was_left_out(side, work, at_once)
    return "left out" if is_left_out else _times(figures.throughput_ratio(side, SERVICE.name, work, at_once))


def _latency(figures: Figures) -> str:
    header = ["work", "at once", *(TITLES[side] for side in figures.sides)]
    rows = [
        [work.title, str(count), *(_percentiles(figures, side, work.name, count) for side in figures.sides)]
        for work in WORKS
        for count in figures.at_once
    ]
    return (
        "## Latency\n\n"
        "p50 / p95 / p99 in milliseconds, as measured on this machine; a request that was refused and sent again "
        f"counts from its first sending.\n\n{table(header, rows)}"
    )


def _percentiles(figures: Figures, side: str, work: str, at_once: int) -> str:
    values = [median(figures.of_cell(side, work, at_once, f"p{share}_ms")) for share in (50, 95, 99)]
    return NOTHING if values[0] is None else " / ".join(number(value, ",.0f") for value in values)


def _floor(figures: Figures) -> str:
    layouts = figures.floor_layouts()
    eyes = ["1 eye" if one["batch"] == 1 else f"{one['batch']} eyes" for one in layouts[0]["passes"]]
    header = ["engine", "precision", "threads per pass", "passes at once", *eyes]
    rows = [
        [
            *(str(layout[key]) for key in ("engine", "precision", "threads", "callers")),
            *(
                f"{number(one['eyes_per_s'], '.0f')} eyes/s, {number(one['latency_ms'], '.0f')} ms"
                for one in layout["passes"]
            ),
        ]
        for layout in layouts
    ]
    pictures = [
        f"{words} {number(median(figures.picture_ms(key)), '.1f')} ms"
        for key, words in (
            ("decode_photo_ms", "decoding the photo"),
            ("detect_frame_ms", "finding the eyes of one frame in its box"),
            ("detect_five_frames_ms", "of five frames on all cores"),
        )
    ]
    return (
        "## Floor\n\n"
        "As measured on this machine: eyes per second with so many per pass and all passes at it, and the time until "
        "so many eyes are through when nothing else runs, shared out among the passes.\n\n"
        f"{table(header, rows)}\nBeside the passes: {', '.join(pictures)}.\n"
    )


def _processes(figures: Figures) -> str:
    header = ["side", "ready after", "memory when ready", "memory after the work", "CPU time per /upload, 16 at once"]
    rows = []
    for side in figures.sides:
        ready, before, after = (figures.of_side(side, key) for key in ("ready_s", "memory_ready_mb", "memory_end_mb"))
        cpu = figures.of_cell(side, "upload", 16, "cpu_ms_per_request")
        measured = ((ready, ".1f", "s"), (before, ",.0f", "MiB"), (after, ",.0f", "MiB"), (cpu, ".1f", "ms"))
        rows.append([TITLES[side], *(f"{number(median(values), form)} {unit}" for values, form, unit in measured)])
    return f"## Processes\n\nAs measured on this machine.\n\n{table(header, rows)}"


def _agreement(figures: Figures) -> str:
    rows = [
        [TITLES[side], str(found["eyes"]), str(found["other_class"]), f"{found['largest_score']:.2f}"]
        for side, found in figures.raw["agreement"]["sides"].items()
    ]
    header = ["side", "eyes", "of another class", "largest difference of a score, points"]
    return (
        "## Do they answer the same?\n\nOne request of each kind, compared with this service in float32. The usual way "
        f"cuts eyes out a little differently and does not calibrate.\n\n{table(header, rows)}"
    )


def _times(measured: Ratio | None) -> str:
    if measured is None:
        return NOTHING
    return f"{measured.value:.2f} ({measured.lowest:.2f}-{measured.highest:.2f})"
