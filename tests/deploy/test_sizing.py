"""The page on sizing is the benchmark's figures and arithmetic, and both are done again here."""

from __future__ import annotations

import math
import re

import pytest
import yaml

from src.config.settings import PROJECT_ROOT

RESULTS = (PROJECT_ROOT / "lab" / "bench" / "RESULTS.md").read_text(encoding="utf-8")
PAGE = (PROJECT_ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")
WORK = {
    "`/upload`, a photo of one eye": "/upload, a photo of one eye",
    "`/predict`, one frame": "/predict, one frame",
    "`/predict`, five frames": "/predict, five frames",
}
SECONDS_A_DAY = 86_400
PEAK = 24 / 10 * 1.5
BUSY = 0.65
CORES = 2


def row(text: str, *first: str) -> list[str]:
    """The cells after these of the first table row that starts with them."""
    start = "| " + " | ".join(first) + " | "
    line = next(line for line in text.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line[len(start) :].rstrip("|").split("|")]


def number(cell: str) -> float:
    found = re.match(r"[\d,.]+", cell)
    assert found is not None
    return float(found.group().replace(",", ""))


MEASURED = {name: number(row(RESULTS, name, "16")[0]) for name in WORK.values()}
BODY_MB = {name: float(found) for name, found in re.findall(r"(/[^:]+?): ([\d.]+) MB", RESULTS)}


@pytest.mark.parametrize(("on_page", "name"), WORK.items())
def test_the_measured_figures_are_the_benchmarks(on_page: str, name: str) -> None:
    two_cores, per_core, body = row(PAGE, on_page)

    assert number(two_cores) == MEASURED[name]
    assert number(per_core) == pytest.approx(MEASURED[name] / CORES, abs=0.051)
    assert number(body) == BODY_MB[name]


@pytest.mark.parametrize(
    ("label", "cores"),
    [("one core carries, screenings a day", 1), ("one backend of two cores", CORES), ("ten backends", 10 * CORES)],
)
def test_the_page_says_what_so_many_cores_carry(label: str, cores: int) -> None:
    carried = [cores * measured / CORES * BUSY / PEAK * SECONDS_A_DAY for measured in MEASURED.values()]
    assert [number(cell) for cell in row(PAGE, label)] == pytest.approx(carried, rel=0.01)


def test_the_page_says_what_a_million_screenings_need() -> None:
    peak = 1_000_000 / SECONDS_A_DAY * PEAK
    backends = [math.ceil(peak / BUSY / measured) for measured in MEASURED.values()]
    requested = yaml.safe_load((PROJECT_ROOT / "deploy" / "kubernetes" / "base" / "backend.yaml").read_text("utf-8"))
    container = requested["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]

    assert [number(cell) for cell in row(PAGE, "a million a day: requests/s at the peak")] == [round(peak)] * 3
    assert [number(cell) for cell in row(PAGE, "a million a day: backends of two cores")] == backends
    memory = [count * int(container["memory"].removesuffix("Mi")) / 1024 for count in backends]
    assert [number(c) for c in row(PAGE, "a million a day: memory requested for them")] == pytest.approx(
        memory, abs=0.5
    )
    gigabits = [peak * BODY_MB[name] * 8 / 1000 for name in WORK.values()]
    into = [number(cell) for cell in row(PAGE, "a million a day: into the gateways at the peak")]
    assert into == pytest.approx(gigabits, abs=0.051)
