"""The plots of the page, as PNG files."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.chaos.plan import ATTACKS, FAILOVER, SOAK
from lab.common.drawing import COLOURS, FAINT, draw_png
from lab.common.summary import percentile

SOAK_PLOT: Final = "soak.png"
FAILOVER_PLOT: Final = "failover.png"
ATTACKS_PLOT: Final = "attacks.png"

Figures = Mapping[str, Any]


def draw_plots(parts: Mapping[str, Figures]) -> dict[str, bytes]:
    """PNG files by name, of the parts that have figures."""
    drawers: dict[str, tuple[str, Callable[[Figures], bytes]]] = {
        ATTACKS_PLOT: (ATTACKS, _draw_attacks),
        FAILOVER_PLOT: (FAILOVER, _draw_failover),
        SOAK_PLOT: (SOAK, _draw_soak),
    }
    return {
        name: draw(parts[part]["figures"])
        for name, (part, draw) in drawers.items()
        if part in parts and parts[part]["figures"] is not None
    }


def latency_per_bucket(
    answered: list[tuple[float, float]], bucket_s: float, share: float
) -> tuple[list[float], list[float]]:
    """Middles of the buckets in seconds, and a percentile of the latencies in ms of the requests due in each."""
    buckets: dict[int, list[float]] = {}
    for at, latency in answered:
        buckets.setdefault(int(at // bucket_s), []).append(latency)
    return (
        [(index + 0.5) * bucket_s for index in sorted(buckets)],
        [percentile(buckets[index], share) for index in sorted(buckets)],
    )


def _draw_soak(figures: Figures) -> bytes:
    samples = [sample for sample in figures["samples"] if "threads" in sample]
    minutes = [sample["at_s"] / 60 for sample in samples]
    bucket_s = max(1.0, figures["seconds"] / 30)

    def paint(figure: Figure) -> None:
        memory, held, latency = figure.subplots(3, 1, sharex=True)
        _curve(memory, minutes, [sample["resident_mb"] for sample in samples], "resident MiB", 0)
        _curve(held, minutes, [sample["threads"] for sample in samples], "threads", 1)
        _curve(held, minutes, [sample["descriptors"] for sample in samples], "descriptors", 2)
        for share, style in ((50, "-"), (95, "--")):
            at, values = latency_per_bucket(figures["answered"], bucket_s, share)
            latency.plot([second / 60 for second in at], values, style, color=COLOURS[0], label=f"p{share}")
        latency.set_xlabel("minutes")
        for axes, title in ((memory, "memory, MiB"), (held, "threads, descriptors"), (latency, "latency, ms")):
            axes.set_ylim(bottom=0)
            axes.grid(visible=True)
            axes.set_ylabel(title, fontsize=9)
            axes.axvspan(0, figures["warm_up_s"] / 60, color=FAINT, alpha=0.4, linewidth=0)
        held.legend(fontsize=8)
        latency.legend(fontsize=8)

    return draw_png(8, 6, paint)


def _curve(axes: Axes, x: list[float], y: list[float], label: str, colour: int) -> None:
    axes.plot(x, y, color=COLOURS[colour], linewidth=1.4, label=label)


def _draw_failover(figures: Figures) -> bytes:
    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(
            [at for at, _ in figures["answered"]],
            [latency for _, latency in figures["answered"]],
            ".",
            markersize=3,
            color=COLOURS[0],
            label="answered",
        )
        lost = [at for at, _path, _problem in figures["failed"]]
        axes.plot(lost, [1.0] * len(lost), "x", color=COLOURS[1], label="lost")
        for fault in figures["faults"]:
            axes.axvspan(fault["at_s"], fault["at_s"] + fault["back_after_s"], color=FAINT, alpha=0.4, linewidth=0)
            axes.text(fault["at_s"], 1.02, fault["what"], fontsize=6, transform=axes.get_xaxis_transform())
        axes.set_yscale("log")
        axes.grid(visible=True)
        axes.set_xlabel("seconds; grey: one backend is away")
        axes.set_ylabel("latency, ms")
        axes.legend(fontsize=8)

    return draw_png(8, 3.2, paint)


def _draw_attacks(figures: Figures) -> bytes:
    attacks = figures["attacks"]
    alone = statistics.median(figures[name]["p99_ms"] or 0.0 for name in ("alone", "alone_afterwards"))

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for share, colour in (("p99_ms", 1), ("p50_ms", 0)):
            axes.barh(
                range(len(attacks)),
                [attack["traffic"][share] or 0.0 for attack in attacks],
                height=0.7,
                color=COLOURS[colour],
                label=share[:3],
            )
        axes.axvline(alone, color=COLOURS[2], linestyle="--", label="p99 alone")
        axes.set_yticks(range(len(attacks)), [attack["title"] for attack in attacks], fontsize=8)
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.set_xlabel("latency of good traffic beside the attack, ms")
        axes.legend(fontsize=8)

    return draw_png(8, 3.6, paint)
