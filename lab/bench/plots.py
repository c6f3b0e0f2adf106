"""The plots of the page, as PNG files."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from lab.bench.figures import Figures
from lab.bench.plan import SERVICE, SERVICE_BFLOAT16, SERVICE_FLOAT32, SIDES, TITLES
from lab.common.results import COLOURS, FAINT, draw_png
from lab.common.summary import median
from lab.common.work import WORKS

_SIDE_COLOURS: Final = dict(zip((side.name for side in SIDES), COLOURS, strict=False))
_PERCENTILES: Final = ((50, "-"), (95, "--"), (99, ":"))
_STAGE_SIDES: Final = (SERVICE.name, SERVICE_FLOAT32.name, SERVICE_BFLOAT16.name)
_STAGES_AT_ONCE: Final = (1, 16)
# What the stages are part of is not one of them, and waiting would make all others look like nothing.
_NOT_WORK: Final = ("total", "queue")


def draw_plots(figures: Figures) -> dict[str, bytes]:
    """PNG files by name."""
    return {"latency": _draw_latency(figures), "stages": _draw_stages(figures), "memory": _draw_memory(figures)}


def _draw_latency(figures: Figures) -> bytes:
    """Percentiles over requests at once, a panel per work, a colour per side."""

    def paint(figure: Figure) -> None:
        for axes, work in zip(figure.subplots(1, len(WORKS), sharey=True), WORKS, strict=True):
            for side in figures.sides:
                for share, line_style in _PERCENTILES:
                    cells = [figures.of_cell(side, work.name, count, f"p{share}_ms") for count in figures.at_once]
                    known = {count: median(cell) for count, cell in zip(figures.at_once, cells, strict=True)}
                    known = {count: milliseconds for count, milliseconds in known.items() if milliseconds is not None}
                    if known:
                        axes.plot(
                            list(known),
                            list(known.values()),
                            color=_SIDE_COLOURS[side],
                            linestyle=line_style,
                            marker="o" if share == 50 else None,
                            markersize=4,
                            linewidth=1.6 if share == 50 else 1.1,
                            label=TITLES[side] if share == 50 else None,
                        )
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda milliseconds, _place: f"{milliseconds:,g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_major_locator(FixedLocator(figures.at_once))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xticklabels([str(count) for count in figures.at_once])
            axes.grid(visible=True)
            axes.set_xlabel("requests at once")
            axes.set_title(work.title, fontsize=10)
        figure.axes[0].set_ylabel("milliseconds: p50, dashed p95, dotted p99")
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)

    return draw_png(11, 4.6, paint)


def _draw_stages(figures: Figures) -> bytes:
    """Time per stage as the service's own Server-Timing says."""
    rows = {}
    for side in _STAGE_SIDES:
        for count in _STAGES_AT_ONCE:
            of_works = [figures.stages_ms(side, work.name, count) for work in WORKS]
            if any(of_works):
                rows[f"{TITLES[side]}, {'alone' if count == 1 else f'{count} at once'}"] = of_works
    seen = dict.fromkeys(name for of_works in rows.values() for stages in of_works for name in stages)
    names = [name for name in seen if name not in _NOT_WORK]

    def paint(figure: Figure) -> None:
        for index, (axes, work) in enumerate(zip(figure.subplots(1, len(WORKS), sharey=True), WORKS, strict=True)):
            _paint_bars(axes, names, [of_works[index] for of_works in rows.values()])
            axes.set_yticks(range(len(rows)), list(rows))
            axes.set_title(work.title, fontsize=10)
        figure.axes[1].set_xlabel("share of the work, with the time that requests wait for it beside the bars")
        figure.legend(
            *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names), fontsize=9
        )

    return draw_png(11, 1.9 + 0.45 * len(rows), paint)


def _paint_bars(axes: Axes, names: list[str], rows: list[dict[str, float]]) -> None:
    """Stacked shares, with the milliseconds of what is wide enough to write on, and those of waiting."""
    totals = [sum(stages.get(name, 0.0) for name in names) or 1.0 for stages in rows]
    starts = [0.0] * len(rows)
    for index, name in enumerate(names):
        widths = [stages.get(name, 0.0) / total for stages, total in zip(rows, totals, strict=True)]
        colour = COLOURS[index] if index < len(COLOURS) else FAINT
        bars = axes.barh(range(len(rows)), widths, left=starts, color=colour, label=name, height=0.7)
        words = [f"{stages[name]:.0f} ms" if width > 0.14 else "" for stages, width in zip(rows, widths, strict=True)]
        axes.bar_label(bars, words, label_type="center", color="white", fontsize=7)
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for row, stages in enumerate(rows):
        axes.text(1.02, row, f"+{stages.get('queue', 0.0):,.0f} ms", va="center", fontsize=7)
    axes.set_xlim(0, 1.22)
    axes.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    axes.invert_yaxis()


def _draw_memory(figures: Figures) -> bytes:
    samples, requests = figures.raw["memory"]["resident_mb"], figures.raw["memory"]["requests"]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        # Samples are taken at equal times, so requests between them are spread evenly.
        done = [requests * index / max(1, len(samples) - 1) for index in range(len(samples))]
        axes.plot(done, samples, color=COLOURS[0], linewidth=1.6)
        axes.set_ylim(0, max(samples) * 1.15)
        axes.grid(visible=True)
        axes.set_xlabel("requests answered")
        axes.set_ylabel("resident MiB")
        axes.set_title("Memory of the service")

    return draw_png(6.4, 3.0, paint)
