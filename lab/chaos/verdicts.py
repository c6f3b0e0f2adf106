"""What had to hold, and what was found."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lab.chaos.plan import ATTACKS, BOMBS, CODEC, FAILOVER, FAULTS, HEAVY, NETWORK, ROUTES, SOAK
from lab.common.summary import growth_of

_LARGEST_GROWTH = 0.05
# Within which 99 of 100 good requests beside an attack have to be answered.
_IN_TIME_MS = 2000.0
# What a bomb may cost beside a plain picture.
_MOST_MORE_MB = 100.0
_MOST_MORE_SECONDS = 1.0
# Within which a small request has to be answered beside heavy ones.
_BESIDE_HEAVY_MS = 3000.0
# By which the median latency at the end may be above that at the beginning.
_FLAT = 1.25
_LEAST_FAILOVER_REQUESTS = 1000
_MOST_MORE_DESCRIPTORS = 8
_MOST_MORE_THREADS = 1
_SOAK_MINUTES = 30
_LEAST_SHARE_SENT = 0.95

Figures = Mapping[str, Any]


class Verdict(NamedTuple):
    """An aim and what was found, both in words, and whether it held."""

    aim: str
    found: str
    met: bool


def all_verdicts(parts: Mapping[str, Figures]) -> list[Verdict]:
    """One row per aim, in the order of the parts; a part that failed, or was not tried, met nothing."""
    verdicts: list[Verdict] = []
    for name, (title, judge) in _JUDGES.items():
        if name not in parts:
            verdicts.append(Verdict(title, "not tried", False))
        elif parts[name]["error"] is not None:
            verdicts.append(Verdict(title, f"the part itself failed: {parts[name]['error']}", False))
        else:
            verdicts += judge(parts[name]["figures"])
    return verdicts


def _codec(figures: Figures) -> list[Verdict]:
    inputs, strange = sum(figures["inputs"].values()), sum(figures["strange"].values())
    if figures["exit_code"] != 0:
        return [Verdict("The decoders neither crash nor hang", f"they ended with {figures['exit_code']}", False)]
    found = f"{inputs:,} inputs, slowest {figures['slowest_ms']:.0f} ms"
    return [
        Verdict("The decoders neither crash nor hang", found, True),
        Verdict("They raise errors of ours only", f"{strange} others", strange == 0),
        _memory("Their memory does not grow", figures["memory_growth"]),
    ]


def _routes(figures: Figures) -> list[Verdict]:
    both = (figures["bare"], figures["gateway"])
    problems = sum(sum(one["problems"].values()) for one in both)
    requests = sum(one["requests"] for one in both)
    lives = all(one["survived"] for one in both)
    good = all(one["good_afterwards"] == 200 for one in both)
    return [
        Verdict("No mutated request ends the process", f"{requests:,} requests", lives),
        Verdict("Each has an answer of our shape, none a 500", f"{problems} others", problems == 0),
        Verdict("A good request afterwards is answered", "answered" if good else "not answered", good),
        _memory("The process does not grow", figures["bare"]["memory_growth"]),
    ]


def _attacks(figures: Figures) -> list[Verdict]:
    attacks: Sequence[Figures] = figures["attacks"]
    lives = sum(attack["backend_lives"] for attack in attacks)
    carried_out = sum(attack["error"] is None for attack in attacks)
    failed, sent = (sum(attack["traffic"][key] for attack in attacks) for key in ("failed", "sent"))
    shapes, smuggled = (
        sum(attack["observed"].get(key, 0) for attack in attacks) for key in ("other_shapes", "smuggled")
    )
    slowest = max((attack["traffic"]["p99_ms"] or float("inf") for attack in attacks), default=float("inf"))
    return [
        Verdict(
            "The same backend process lives through every attack",
            f"{lives} of {len(attacks)}, {carried_out} carried out in full",
            lives == carried_out == len(attacks),
        ),
        Verdict("Good traffic beside the attacks loses nothing", f"{failed} of {sent:,} lost", failed == 0 < sent),
        Verdict(f"and is answered within {_IN_TIME_MS:,.0f} ms (p99)", f"{slowest:,.0f} ms", slowest <= _IN_TIME_MS),
        Verdict("What the gateway refuses, it refuses in our shape", f"{shapes} others", shapes == 0),
        Verdict("No hidden request is answered", f"{smuggled} answered", smuggled == 0),
    ]


def _bombs(figures: Figures) -> list[Verdict]:
    bombs: Sequence[Figures] = figures["bombs"]
    lives = sum(bomb["backends_live"] for bomb in bombs)
    failed, sent = (sum(bomb["traffic"][key] for bomb in bombs) for key in ("failed", "sent"))
    slowest = max((bomb["traffic"]["p99_ms"] or float("inf") for bomb in bombs), default=float("inf"))
    more_mb = max((more_of(bomb, "megabytes") for bomb in bombs), default=float("inf"))
    more_s = max((more_of(bomb, "seconds") for bomb in bombs), default=float("inf"))
    printed = sum(bomb["bomb"]["printed"] for bomb in bombs)
    return [
        Verdict(
            f"A bomb takes at most {_MOST_MORE_MB:g} MB more than a plain picture of its format and pixels",
            f"{more_mb:.0f} MB",
            more_mb <= _MOST_MORE_MB,
        ),
        Verdict(f"and at most {_MOST_MORE_SECONDS:g} s more", f"{more_s:.2f} s", more_s <= _MOST_MORE_SECONDS),
        Verdict("No decoder prints a line past the log", f"{printed} lines", printed == 0),
        Verdict("Both backends live through every bomb", f"{lives} of {len(bombs)}", lives == len(bombs) > 0),
        Verdict("Good traffic beside the bombs loses nothing", f"{failed} of {sent:,} lost", failed == 0 < sent),
        Verdict(
            f"and is answered within {_BESIDE_HEAVY_MS:,.0f} ms (p99)",
            f"{slowest:,.0f} ms",
            slowest <= _BESIDE_HEAVY_MS,
        ),
    ]


def more_of(bomb: Figures, what: str) -> float:
    """Seconds or megabytes of a bomb above those of its plain twin; infinite where it was not decoded to an end."""
    values = [bomb[name][what] for name in ("bomb", "plain")]
    return float("inf") if None in values else float(values[0] - values[1])


def _heavy(figures: Figures) -> list[Verdict]:
    traffic, answers, sent = figures["traffic"], figures["answers"], figures["sent"]
    slowest = traffic["slowest_ms"] or float("inf")
    told = sum(answers.get(status, 0) for status in ("200", "503"))
    return [
        Verdict(
            f"Beside {sent} heavy requests a small one is answered within {_BESIDE_HEAVY_MS:,.0f} ms",
            f"{slowest:,.0f} ms at most, {traffic['failed']} of {traffic['sent']} lost",
            slowest <= _BESIDE_HEAVY_MS and traffic["failed"] == 0 < traffic["sent"],
        ),
        Verdict(
            "The heavy ones are all taken, and answered, or told at their deadline to come again",
            ", ".join(f"{count} {status}" for status, count in sorted(answers.items())),
            told == sent,
        ),
    ]


def _failover(figures: Figures) -> list[Verdict]:
    failed, sent = len(figures["failed"]), figures["sent"]
    aim = f"Of at least {_LEAST_FAILOVER_REQUESTS:,} requests, none is lost to {len(figures['faults'])} faults"
    return [Verdict(aim, f"{failed} of {sent:,} lost", failed == 0 and sent >= _LEAST_FAILOVER_REQUESTS)]


def _suite(what: str) -> Callable[[Figures], list[Verdict]]:
    def judge(figures: Figures) -> list[Verdict]:
        if figures["missing"]:
            return [Verdict(what, f"{', '.join(figures['missing'])} missing", False)]
        outcomes = [test["outcome"] for test in figures["tests"]]
        passed, failed, skipped = (outcomes.count(outcome) for outcome in ("passed", "failed", "skipped"))
        found = f"{passed} tests passed, {failed} failed, {skipped} skipped"
        return [Verdict(what, found, failed == skipped == 0 < passed and figures["exit_code"] == 0)]

    return judge


def _soak(figures: Figures) -> list[Verdict]:
    warm_up_s = figures["warm_up_s"]
    samples = [sample for sample in figures["samples"] if sample["at_s"] >= warm_up_s and "threads" in sample]
    sent = figures["sent"] + figures["poison"]["sent"]
    share = figures["poison"]["sent"] / max(1, sent)
    minutes = figures["seconds"] / 60
    rise, same = latency_rise(figures), bool(figures["same_process"])
    # A client that was held up loses nothing either.
    was_sent = figures["sent"] >= _LEAST_SHARE_SENT * figures["rate"] * figures["seconds"]
    return [
        Verdict(
            f"{_SOAK_MINUTES} minutes of mixed load, 5 % of it poison, lose no good request",
            f"{minutes:.0f} minutes, {len(figures['failed'])} of {figures['sent']:,} lost, {share:.1%} poison",
            not figures["failed"] and minutes >= _SOAK_MINUTES and share > 0.045 and was_sent,
        ),
        Verdict("by one and the same process", "yes" if same else "no", same),
        _memory("Memory does not grow", growth_of([sample["resident_mb"] for sample in samples])),
        _leak("No thread is leaked", samples, "threads", _MOST_MORE_THREADS),
        _leak("No descriptor is leaked", samples, "descriptors", _MOST_MORE_DESCRIPTORS),
        Verdict("No file is left behind", f"{figures['files_left']} more", figures["files_left"] == 0),
        Verdict(
            f"Latency is flat: the median of the last quarter at most {_FLAT:g} times that of the first",
            "not measured" if rise is None else f"{rise:.2f} times",
            rise is not None and rise <= _FLAT,
        ),
    ]


def latency_rise(figures: Figures) -> float | None:
    """Median latency of the last quarter after the warm-up as a multiple of that of the first; None without both."""
    start, end = figures["warm_up_s"], figures["seconds"]
    quarter = (end - start) / 4
    first = [latency for at, latency in figures["answered"] if start <= at < start + quarter]
    last = [latency for at, latency in figures["answered"] if end - quarter <= at < end]
    return statistics.median(last) / statistics.median(first) if first and last else None


def _memory(aim: str, share: float | None) -> Verdict:
    aim = f"{aim} by {_LARGEST_GROWTH:.0%}"
    if share is None:
        return Verdict(aim, "not measured", False)
    return Verdict(aim, f"{share:+.1%}", share < _LARGEST_GROWTH)


def _leak(aim: str, samples: Sequence[Figures], name: str, allowed: int) -> Verdict:
    """The median of the last quarter next to that of the first; connections come and go, so a few more are none."""
    quarter = len(samples) // 4
    if quarter == 0:
        return Verdict(aim, "not measured", False)
    values = [sample[name] for sample in samples]
    first, last = statistics.median(values[:quarter]), statistics.median(values[-quarter:])
    return Verdict(aim, f"{first:g} at first, {last:g} at last", last - first <= allowed)


_JUDGES: Mapping[str, tuple[str, Callable[[Figures], list[Verdict]]]] = {
    CODEC: ("Mutated pictures, data URIs and bodies", _codec),
    ROUTES: ("Mutated requests", _routes),
    ATTACKS: ("Attacks on the gateway", _attacks),
    BOMBS: ("Bombs in pictures", _bombs),
    HEAVY: ("Heavy requests beside small ones", _heavy),
    FAILOVER: ("Two backends, killed and restarted", _failover),
    FAULTS: (
        "Faults at start, of the disk and of the clock",
        _suite("Faults at start, of the disk and of the clock end in a clear sentence or a degraded answer"),
    ),
    NETWORK: ("Without any network", _suite("It starts and answers without any network")),
    SOAK: ("Half an hour of mixed load", _soak),
}
