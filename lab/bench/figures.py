"""What was measured, as it is written to figures.json, and the questions that the page asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from lab.bench.plan import SERVICE, SERVICE_FLOAT32
from lab.common.summary import Ratio, median, ratio

# One value per round; None where it was not measured.
PerRound: TypeAlias = Sequence[float | None]


class Figures:
    """Read-only view of the figures: `raw` is their JSON, with `date`, `minutes`, `quick`, `plan`, `machine`,
    `body_bytes`, `rounds`, `memory` and `agreement`.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self._rounds: Sequence[Mapping[str, Any]] = raw["rounds"]

    @property
    def sides(self) -> list[str]:
        """Names of the sides that were measured."""
        return list(self._rounds[0]["sides"])

    @property
    def at_once(self) -> list[int]:
        """Numbers of requests at once, rising."""
        return list(self.raw["plan"]["at_once"])

    def precision(self, side: str) -> str:
        """In which precision a side multiplies; float32 where it does not say."""
        return next((precision for precision in self.of_side(side, "precision") if precision), "float32")

    @property
    def float32_side(self) -> str:
        """The service in float32: by default, or where it was told to be."""
        is_default = SERVICE.name in self.sides and self.precision(SERVICE.name) == "float32"
        return SERVICE.name if is_default else SERVICE_FLOAT32.name

    def of_side(self, side: str, key: str, missing: Any = None) -> list[Any]:
        """Of each round, a figure of a side as a whole, such as `ready_s`."""
        return [one["sides"].get(side, {}).get(key, missing) for one in self._rounds]

    def first_ms(self, side: str, work: str, place: int) -> PerRound:
        """Latency of the first (0) or the second (1) request of a work, alone."""
        found = [by_work.get(work, []) for by_work in self.of_side(side, "first_ms", {})]
        return [times[place] if place < len(times) else None for times in found]

    def cells(self, side: str, work: str, at_once: int) -> list[Mapping[str, Any]]:
        """The cell of each round; empty where it was not measured."""
        rounds = [
            {(cell["work"], cell["at_once"]): cell for cell in cells} for cells in self.of_side(side, "cells", [])
        ]
        return [cells.get((work, at_once), {}) for cells in rounds]

    def of_cell(self, side: str, work: str, at_once: int, key: str) -> PerRound:
        """A figure of a cell, such as `requests_per_s`."""
        return [cell.get(key) for cell in self.cells(side, work, at_once)]

    def was_left_out(self, side: str, work: str, at_once: int) -> bool:
        """Whether the cell would have taken too long, in every round."""
        return all(cell.get("left_out", False) for cell in self.cells(side, work, at_once))

    def all_cells(self, side: str) -> list[Mapping[str, Any]]:
        """Of all rounds."""
        return [cell for cells in self.of_side(side, "cells", []) for cell in cells]

    def stages_ms(self, side: str, work: str, at_once: int) -> dict[str, float]:
        """Medians over the rounds; empty where the side does not say."""
        found = [cell.get("stages_ms", {}) for cell in self.cells(side, work, at_once)]
        names = list(dict.fromkeys(name for stages in found for name in stages))
        return {name: median([stages.get(name) for stages in found]) or 0.0 for name in names}

    def floor_eyes_per_s(self, engine: str, precision: str, batch: int) -> PerRound:
        """The most eyes per second of all layouts."""
        return [max(values, default=None) for values in self._floor("eyes_per_s", engine, precision, batch)]

    def floor_latency_ms(self, engine: str, precision: str, eyes: int) -> PerRound:
        """The shortest time for that many eyes, of all layouts."""
        return [min(values, default=None) for values in self._floor("latency_ms", engine, precision, eyes)]

    def floor_layouts(self) -> list[dict[str, Any]]:
        """Each layout with, per batch size, the medians over the rounds."""
        layouts = []
        for index, layout in enumerate(self._rounds[0]["floor"]):
            batches = zip(*(one["floor"][index]["passes"] for one in self._rounds), strict=True)
            passes = [{key: median([one[key] for one in rounds]) for key in rounds[0]} for rounds in batches]
            layouts.append({**layout, "passes": passes})
        return layouts

    def picture_ms(self, key: str) -> PerRound:
        """See `floor.pictures.measure`."""
        return [one["pictures"].get(key) for one in self._rounds]

    def throughput_ratio(self, side: str, other: str, work: str, at_once: int) -> Ratio | None:
        """Requests per second of a side as a multiple of another's."""
        return ratio(
            self.of_cell(side, work, at_once, "requests_per_s"), self.of_cell(other, work, at_once, "requests_per_s")
        )

    def _floor(self, key: str, engine: str, precision: str, batch: int) -> list[list[float]]:
        sought = (engine, precision, batch)
        return [
            [
                figures[key]
                for layout in one["floor"]
                for figures in layout["passes"]
                if (layout["engine"], layout["precision"], figures["batch"]) == sought
            ]
            for one in self._rounds
        ]
