"""The results page in Markdown, and its plots as PNG files."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from lab.chaos.overload import bombs_section
from lab.chaos.plan import ATTACKS, BOMBS, CODEC, FAILOVER, FAULTS, HEAVY, NETWORK, ROUTES, SOAK
from lab.chaos.verdicts import all_verdicts
from lab.common.machine import machine_in_words, versions_in_words
from lab.common.results import COLOURS, FAINT, NOTHING, draw_png, number, plot, table
from lab.common.summary import percentile

_MOST_LOST_SHOWN = 20

_INTRODUCTION = """\
# What the service survives

Written by `make chaos`; `make chaos ARGS="--parts soak"` tries one part anew, and `make chaos ARGS="--redraw"` writes
the page again from [the raw figures](results/) without trying anything. Everything runs on one machine: the real
process, Debian's nginx with [the gateway's configuration](../../deploy/gateway/nginx.conf), the attackers and the
clients. No client sends anything twice.
"""

_LIMITS = """\
## What this does not say

- Everything shares the cores of one machine: latencies beside an attack hold the attacker's own work, and there is no
  network between the parts.
- Good traffic and attackers have one address each, and the gateway's rate limit is out of the way of the good traffic;
  thousands of addresses at once are not tried.
- Mutations are drawn from fixed seeds and follow no coverage: they are the same on every run with the same versions,
  and what they did not find may still be there.
- A machine that fails, a network that splits and a GPU are not tried, nor are containers or Kubernetes.
- Half an hour shows leaks of a request, not those of a week.
"""

Parts = Mapping[str, Mapping[str, Any]]


def write_page(parts: Parts) -> str:
    """The page of the parts, by name, as they were saved, with its plots in `results/` beside it."""
    sections = [
        _INTRODUCTION,
        _summary(parts),
        _verdicts(parts),
        _inputs(parts),
        _attacks(parts),
        bombs_section(_figures(parts, BOMBS), _figures(parts, HEAVY)),
        _failover(parts),
        _suites(parts),
        _soak(parts),
        _conditions(parts),
        _LIMITS,
    ]
    return "\n".join(section for section in sections if section)


def faults_survived(parts: Parts) -> tuple[int, int]:
    """Attacks, kills and restarts, and tests of faults: survived, and all."""
    attacks = [attack["backend_lives"] for attack in _figures(parts, ATTACKS).get("attacks", [])]
    kills = [True for _ in _figures(parts, FAILOVER).get("faults", [])]
    tests = [
        test["outcome"] == "passed"
        for name in (FAULTS, NETWORK)
        for test in _figures(parts, name).get("tests", [])
        if test["outcome"] != "skipped"
    ]
    everything = [*attacks, *kills, *tests]
    return sum(everything), len(everything)


def requests_lost(parts: Parts) -> tuple[int, int]:
    """Good requests that had no answer 200, and all that were sent."""
    lost = sent = 0
    for attack in [*_figures(parts, ATTACKS).get("attacks", []), *_figures(parts, BOMBS).get("bombs", [])]:
        lost, sent = lost + attack["traffic"]["failed"], sent + attack["traffic"]["sent"]
    for name in (FAILOVER, SOAK):
        figures = _figures(parts, name)
        lost, sent = lost + len(figures.get("failed", [])), sent + figures.get("sent", 0)
    return lost, sent


def _summary(parts: Parts) -> str:
    survived, faults = faults_survived(parts)
    lost, sent = requests_lost(parts)
    tried = sum(_figures(parts, CODEC).get("inputs", {}).values())
    tried += sum(one["requests"] for one in _figures(parts, ROUTES).values())
    note = "\n**Quick run, for a first look only.**\n" if any(part["quick"] for part in parts.values()) else ""
    return (
        f"{note}\n- mutated inputs tried: **{tried:,}**\n"
        f"- faults survived: **{survived} of {faults}** (attacks, kills and restarts, faults at start)\n"
        f"- good requests lost: **{lost:,}** of {sent:,}\n"
    )


def _verdicts(parts: Parts) -> str:
    verdicts = all_verdicts(parts)
    held = sum(verdict.met for verdict in verdicts)
    rows = [[aim, found, "held" if met else "**not held**"] for aim, found, met in verdicts]
    listed = table(["what was to hold", "found", ""], rows)
    return f"## Verdicts\n\n{held} of {len(verdicts)} held.\n\n{listed}"


def _inputs(parts: Parts) -> str:
    codec, routes = _figures(parts, CODEC), _figures(parts, ROUTES)
    tried = []
    if codec:
        counted = sum(codec["inputs"].values())
        tried.append(("pictures, data URIs and bodies, in one process", counted, codec["outcomes"]))
    for name, title in (("bare", "requests to a bare backend"), ("gateway", "requests through the gateway")):
        if routes:
            tried.append((title, routes[name]["requests"], routes[name]["answers"]))
    if not tried:
        return ""
    lines = []
    for title, count, outcomes in tried:
        often = sorted(outcomes.items(), key=lambda pair: -pair[1])
        lines.append([title, f"{count:,}", ", ".join(f"{name} {times:,}" for name, times in often)])
    listed = table(["inputs", "tried", "what came of them"], lines)
    return (
        "## Mutated inputs\n\nDrawn by Hypothesis from small pictures of every kind that are drawn here, and from the "
        "schema of the routes: cut off, bit-flipped, with lying headers and wrong sizes, bombs, odd EXIF, broken JSON, "
        "wrong types, methods, paths and headers. Forms (multipart) are sent through the gateway only: Robyn reads "
        "them before any code of ours, and answers 500 where it cannot. An input that did harm is kept in "
        f"`build/chaos`.\n\n{listed}"
    )


def _attacks(parts: Parts) -> str:
    figures = _figures(parts, ATTACKS)
    if not figures:
        return ""
    rows = [_attack_row("none", "", figures["alone"], True)]
    for attack in figures["attacks"]:
        answers = attack["observed"].get("answers", {})
        seen = ", ".join(f"{name} {count:,}" for name, count in answers.items()) or str(attack["error"])
        rows.append(_attack_row(attack["title"], seen, attack["traffic"], attack["backend_lives"]))
    rows.append(_attack_row("none, afterwards", "", figures["alone_afterwards"], True))
    header = ["attack", "the attacker saw", "good requests", "lost", "p50 / p99, ms", "backend"]
    words = "One backend, with good traffic beside each attack."
    drawn = plot(ATTACKS, "Latency of good traffic beside each attack, as measured on this machine")
    return f"## Attacks through the gateway\n\n{words}\n\n{table(header, rows)}\n{drawn}"


def _attack_row(title: str, seen: str, traffic: Mapping[str, Any], lives: bool) -> list[str]:
    latency = f"{number(traffic['p50_ms'], ',.0f')} / {number(traffic['p99_ms'], ',.0f')}"
    state = "lives" if lives else "**died**"
    return [title, seen or NOTHING, str(traffic["sent"]), str(traffic["failed"]), latency, state]


def _failover(parts: Parts) -> str:
    figures = _figures(parts, FAILOVER)
    if not figures:
        return ""
    rows = [
        [fault["what"], f"{fault['at_s']:.0f} s", f"{fault['back_after_s']:.0f} s", fault["came_back"]]
        for fault in figures["faults"]
    ]
    latencies = ", ".join(number(figures[name], ",.0f") for name in ("p50_ms", "p99_ms", "slowest_ms"))
    return (
        f"## Two backends, killed and restarted\n\n{figures['sent']:,} requests in {figures['seconds']:.0f} s, "
        f"each fault {figures['calm_s']:g} s after the one before was mended; "
        f"{len(figures['failed'])} lost; p50, p99 and slowest: {latencies} ms.\n\n"
        f"{table(['what', 'at', 'healthy again after', 'brought back by'], rows)}{_lost(figures)}\n"
        f"{plot(FAILOVER, 'Latency while backends are killed, as measured on this machine')}"
    )


def _suites(parts: Parts) -> str:
    rows = [
        [test["name"], test["outcome"] if test["outcome"] == "passed" else f"{test['outcome']}: {test['reason']}"]
        for name in (FAULTS, NETWORK)
        for test in _figures(parts, name).get("tests", [])
    ]
    return f"## Faults at start, of disk, clock and network\n\n{table(['test', ''], rows)}" if rows else ""


def _soak(parts: Parts) -> str:
    figures = _figures(parts, SOAK)
    if not figures:
        return ""
    poison = figures["poison"]
    answers = ", ".join(f"{name} {count:,}" for name, count in sorted(poison["answers"].items()))
    return (
        f"## Mixed load with poison\n\n{figures['seconds'] / 60:g} minutes, {figures['sent']:,} good requests at "
        f"{figures['rate']:g} per second and {poison['sent']:,} poisonous ones (malformed pictures, broken JSON, "
        f"bodies that are too large, malformed chunks, hidden requests, garbage), answered: {answers}. The first "
        f"{figures['warm_up_s'] / 60:g} minutes, grey in the plot, do not count.\n\n{_lost(figures)}\n"
        f"{plot(SOAK, 'Memory, threads, descriptors and latency, as measured on this machine')}"
    )


def _lost(figures: Mapping[str, Any]) -> str:
    """The first of the requests that had no answer 200, and what came instead."""
    first = figures["failed"][:_MOST_LOST_SHOWN]
    return "".join(f"- lost at {at:.1f} s, {path}: `{problem}`\n" for at, path, problem in first)


def _conditions(parts: Parts) -> str:
    rows = []
    for name, part in parts.items():
        machine, load = machine_in_words(part["machine"]), str(part["machine"]["load_before"])
        rows.append([name, part["date"], f"{part['minutes']:g}", machine, load])
    versions = versions_in_words(next(iter(parts.values()))["machine"])
    listed = table(["part", "date", "minutes", "machine", "load before"], rows)
    return f"## Conditions\n\n{versions}.\n\n{listed}"


def _figures(parts: Parts, name: str) -> Mapping[str, Any]:
    """Of a part; empty where it was not tried, or failed."""
    return (parts.get(name) or {}).get("figures") or {}


def draw_plots(parts: Parts) -> dict[str, bytes]:
    """PNG files by name, of the parts that have figures."""
    drawers = {ATTACKS: _draw_attacks, FAILOVER: _draw_failover, SOAK: _draw_soak}
    measured = {part: _figures(parts, part) for part in drawers}
    return {part: drawers[part](figures) for part, figures in measured.items() if figures}


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


def _draw_soak(figures: Mapping[str, Any]) -> bytes:
    samples = [sample for sample in figures["samples"] if "threads" in sample]
    minutes = [sample["at_s"] / 60 for sample in samples]
    bucket_s = max(1.0, figures["seconds"] / 30)

    def paint(figure: Figure) -> None:
        memory, held, latency = figure.subplots(3, 1, sharex=True)
        for index, (axes, name) in enumerate(((memory, "resident_mb"), (held, "threads"), (held, "descriptors"))):
            values = [sample[name] for sample in samples]
            axes.plot(minutes, values, color=COLOURS[index], linewidth=1.4, label=name)
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


def _draw_failover(figures: Mapping[str, Any]) -> bytes:
    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        at, latencies = ([one[index] for one in figures["answered"]] for index in (0, 1))
        axes.plot(at, latencies, ".", markersize=3, color=COLOURS[0], label="answered")
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


def _draw_attacks(figures: Mapping[str, Any]) -> bytes:
    attacks = figures["attacks"]
    alone = statistics.median(figures[name]["p99_ms"] or 0.0 for name in ("alone", "alone_afterwards"))

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for share, colour in (("p99_ms", 1), ("p50_ms", 0)):
            latencies = [attack["traffic"][share] or 0.0 for attack in attacks]
            axes.barh(range(len(attacks)), latencies, height=0.7, color=COLOURS[colour], label=share[:3])
        axes.axvline(alone, color=COLOURS[2], linestyle="--", label="p99 alone")
        axes.set_yticks(range(len(attacks)), [attack["title"] for attack in attacks], fontsize=8)
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.set_xlabel("latency of good traffic beside the attack, ms")
        axes.legend(fontsize=8)

    return draw_png(8, 3.6, paint)
