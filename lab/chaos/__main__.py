"""`python -m chaos`: tries all parts, prints the page, and writes it with its plots and figures."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.chaos.arguments import TRIAL_FOLDER, Arguments, parse_arguments
from lab.chaos.page import write_page
from lab.chaos.parts import measure_part, save_part, saved_parts, surroundings_in
from lab.chaos.plots import draw_plots
from lab.chaos.say import say
from lab.chaos.verdicts import all_verdicts
from lab.common.gateway import NGINX


def main() -> int:
    """
    Returns:
        the exit code: 0, 1 if something did not hold or there is nothing to show, 2 if nginx is missing.
    """
    arguments = parse_arguments()
    results = arguments.out / "results"
    if not arguments.redraw:
        if NGINX is None:
            print("nginx is missing: apt-get install nginx-light", file=sys.stderr)
            return 2
        _try_all(arguments, results)
    return _write(arguments.out, results)


def _try_all(arguments: Arguments, results: Path) -> None:
    surroundings = surroundings_in(TRIAL_FOLDER, arguments.plan, say)
    for name in arguments.parts:
        save_part(measure_part(name, surroundings, arguments.quick), results)


def _write(out: Path, results: Path) -> int:
    parts = saved_parts(results)
    if not parts:
        print(f"There are no figures to show: {results} has none.", file=sys.stderr)
        return 1
    plots = draw_plots(parts)
    for name, file in plots.items():
        (results / name).write_bytes(file)
    page = write_page(parts, plots)
    (out / "RESULTS.md").write_text(page, encoding="utf-8")
    print(page)
    say(f"written to {out / 'RESULTS.md'}")
    return 0 if all(verdict.met for verdict in all_verdicts(parts)) else 1


if __name__ == "__main__":
    sys.exit(main())
