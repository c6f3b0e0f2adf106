"""What the service was meant to reach, beside what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from lab.bench.figures import Figures, PerRound
from lab.bench.plan import FASTAPI_ONNX, SERVICE, USUAL
from lab.common.summary import Ratio, growth_of, median, percentile, ratio
from lab.common.work import PREDICT_5, UPLOAD, WORKS

_BUSY, _BUSIEST = 16, 64
_LARGEST_GROWTH = 0.05
_LARGEST_SCORE_DIFFERENCE = 0.01
_LONGEST_START_S = 8.0
_SLOWEST_HEALTH_MS = 50.0
# A single request varies by so much from one time to the next; below that, the first is as fast as the second.
_SLOWEST_FIRST = 1.25


class AimResult(NamedTuple):
    """An aim with its target and what was measured, both in words; `met` is None where it was not measured."""

    aim: str
    measured: str
    met: bool | None


def compare_with_aims(figures: Figures) -> list[AimResult]:
    """One row per aim, in their order."""
    return [
        *_throughput(figures),
        _upload_alone(figures),
        _five_frames_alone(figures),
        _health(figures),
        *_overload(figures),
        _memory(figures),
        _agreement(figures),
        _start(figures),
        _first_request(figures),
    ]


def in_words(measured: Ratio) -> str:
    """Such as: 0.93 (0.91 to 0.95)."""
    return f"{measured.value:.2f} ({measured.lowest:.2f} to {measured.highest:.2f})"


def _throughput(figures: Figures) -> list[AimResult]:
    rows = []
    for side in dict.fromkeys((SERVICE.name, figures.float32_side)):
        precision = figures.precision(side)
        floor = figures.floor_eyes_per_s("tensorflow", precision, UPLOAD.eyes)
        own = figures.of_cell(side, UPLOAD.name, _BUSY, "requests_per_s")
        which = f"by default ({precision})" if side == SERVICE.name else f"in {precision}"
        rows.append(
            _at_least(f"/upload, 16 at once, {which}: bare TensorFlow passes of the same precision", 0.9, own, floor)
        )
    for side, other, target, words in (
        (figures.float32_side, FASTAPI_ONNX.name, 1.0, "in float32: FastAPI and ONNX Runtime"),
        (SERVICE.name, FASTAPI_ONNX.name, 1.4, "by default: FastAPI and ONNX Runtime"),
        (SERVICE.name, USUAL.name, 15.0, "by default: the usual way"),
    ):
        own, theirs = (figures.of_cell(name, UPLOAD.name, _BUSY, "requests_per_s") for name in (side, other))
        rows.append(_at_least(f"/upload, 16 at once, {words}", target, own, theirs))
    return rows


def _at_least(what: str, target: float, over: PerRound, under: PerRound) -> AimResult:
    measured = ratio(over, under)
    aim = f"{what}: at least {target:g} times"
    return _not_measured(aim) if measured is None else AimResult(aim, in_words(measured), measured.value >= target)


def _at_most(aim: str, target: float, over: PerRound, under: PerRound, more: str = "") -> AimResult:
    measured = ratio(over, under)
    if measured is None:
        return _not_measured(aim)
    return AimResult(aim, in_words(measured) + more, measured.value <= target)


def _not_measured(aim: str) -> AimResult:
    return AimResult(aim, "not measured", None)


def _upload_alone(figures: Figures) -> AimResult:
    floor = figures.floor_latency_ms("tensorflow", figures.precision(SERVICE.name), UPLOAD.eyes)
    aim = "/upload alone, median: at most 1.3 times the bare pass of one eye with the decoding of the photo"
    own = figures.of_cell(SERVICE.name, UPLOAD.name, 1, "p50_ms")
    return _at_most(aim, 1.3, own, _added(floor, figures.picture_ms("decode_photo_ms")))


def _five_frames_alone(figures: Figures) -> AimResult:
    floor = figures.floor_latency_ms("tensorflow", figures.precision(SERVICE.name), PREDICT_5.eyes)
    own = figures.of_cell(SERVICE.name, PREDICT_5.name, 1, "p50_ms")
    one = figures.picture_ms("detect_frame_ms")
    one_by_one = ratio(own, _added(floor, [None if time is None else PREDICT_5.frames * time for time in one]))
    more = "" if one_by_one is None else f"; {one_by_one.value:.2f} if the detections ran one after another"
    aim = (
        "/predict of five frames alone, median: at most 1.2 times the bare passes of ten eyes with five detections in "
        "the box, side by side on all cores"
    )
    return _at_most(aim, 1.2, own, _added(floor, figures.picture_ms("detect_five_frames_ms")), more)


def _added(one: PerRound, other: PerRound) -> list[float | None]:
    return [None if None in pair else sum(pair) for pair in zip(one, other, strict=True)]  # type: ignore[arg-type]


def _health(figures: Figures) -> AimResult:
    cells = [cell for cell in figures.all_cells(SERVICE.name) if cell["at_once"] == _BUSIEST and "health_ms" in cell]
    latencies = [milliseconds for cell in cells for milliseconds in cell["health_ms"]]
    aim = f"/health while 64 requests are sent at once: p99 below {_SLOWEST_HEALTH_MS:g} ms"
    if not latencies:
        return _not_measured(aim)
    failures = sum(cell["health_failures"] for cell in cells)
    slow = percentile(latencies, 99)
    words = f"p99 {slow:.1f} ms, slowest {max(latencies):.1f} ms of {len(latencies)}; {failures} not answered with 200"
    return AimResult(aim, words, slow < _SLOWEST_HEALTH_MS and failures == 0)


def _overload(figures: Figures) -> list[AimResult]:
    rows = [
        _at_least(
            f"{work.title}, 64 at once: the throughput of 16 at once",
            0.95,
            *(figures.of_cell(SERVICE.name, work.name, count, "requests_per_s") for count in (_BUSIEST, _BUSY)),
        )
        for work in WORKS
    ]
    aim = "No error but 503 with Retry-After"
    cells = [cell for cell in figures.all_cells(SERVICE.name) if "errors" in cell]
    errors = sum((Counter(cell["errors"]) for cell in cells), Counter[str]())
    refused, answered = (sum(cell[key] for cell in cells) for key in ("refused", "answered"))
    found = ", ".join(f"{count} x {kind}" for kind, count in errors.items()) or "none"
    return [*rows, AimResult(aim, f"{found}; {answered:,} answered, {refused:,} refused with Retry-After", not errors)]


def _memory(figures: Figures) -> AimResult:
    memory = figures.raw["memory"]
    aim = "Resident memory flat over 2,000 requests: last quarter at most 5 % above the second"
    grown = growth_of(memory["resident_mb"])
    if grown is None:
        return _not_measured(aim)
    words = f"{grown:+.1%} over {memory['requests']:,} requests"
    enough = memory["requests"] >= 2000
    return AimResult(aim, words, grown <= _LARGEST_GROWTH if enough else None)


def _agreement(figures: Figures) -> AimResult:
    difference = figures.raw["agreement"]["at_once"]
    words = (
        f"{difference['eyes']} eyes: {difference['other_class']} of another class, scores at most "
        f"{difference['largest_score']:.2f} apart, heatmaps at most {difference['largest_heatmap']} of 255 levels"
    )
    met = (
        difference["other_class"] == 0
        and difference["largest_score"] <= _LARGEST_SCORE_DIFFERENCE
        and difference["largest_heatmap"] == 0
    )
    return AimResult("Class, scores to 0.01 and heatmaps the same one by one and 32 at once", words, met)


def _start(figures: Figures) -> AimResult:
    seconds, memory = (median(figures.of_side(SERVICE.name, key)) or 0.0 for key in ("ready_s", "memory_ready_mb"))
    aim = f"Ready within {_LONGEST_START_S:g} s, with warm disk caches"
    return AimResult(aim, f"{seconds:.1f} s, {memory:,.0f} MiB resident", seconds <= _LONGEST_START_S)


def _first_request(figures: Figures) -> AimResult:
    by_work = {
        work.path: ratio(*(figures.first_ms(SERVICE.name, work.name, place) for place in (0, 1)))
        for work in (UPLOAD, PREDICT_5)
    }
    aim = f"The first request as fast as the second (at most {_SLOWEST_FIRST:g} times)"
    known = {path: measured for path, measured in by_work.items() if measured is not None}
    if not known:
        return _not_measured(aim)
    words = ", ".join(f"{path} {in_words(measured)}" for path, measured in known.items())
    return AimResult(aim, words, max(measured.value for measured in known.values()) <= _SLOWEST_FIRST)


def count_met(results: Sequence[AimResult]) -> tuple[int, int]:
    """How many aims are met, of how many that were measured."""
    known = [result.met for result in results if result.met is not None]
    return sum(known), len(known)
