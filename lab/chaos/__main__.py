"""`python -m lab.chaos`: tries all parts, prints the page, and writes it with its plots and figures."""

from __future__ import annotations

import sys

from lab.chaos.page import draw_plots, write_page
from lab.chaos.parts import measure_part, save_part, saved_parts
from lab.chaos.plan import TRIAL_FOLDER, Trial, parse_arguments
from lab.chaos.verdicts import all_verdicts
from lab.common.gateway import NGINX
from lab.common.results import publish
from lab.common.work import write_bodies


def main() -> int:
    """
    Returns:
        the exit code: 0, 1 if something did not hold or there is nothing to show, 2 if nginx is missing.
    """
    plan, given = parse_arguments()
    results = given.out / "results"
    if not given.redraw:
        if NGINX is None:
            print("nginx is missing: apt-get install nginx-light", file=sys.stderr)
            return 2
        trial = Trial(plan, TRIAL_FOLDER, write_bodies(TRIAL_FOLDER / "bodies"), _say)
        for name in given.parts:
            save_part(measure_part(name, trial, given.quick), results)
    parts = saved_parts(results)
    if not parts:
        print(f"There are no figures to show: {results} has none.", file=sys.stderr)
        return 1
    _say(f"written to {publish(write_page(parts), draw_plots(parts), given.out)}")
    return 0 if all(verdict.met for verdict in all_verdicts(parts)) else 1


def _say(words: str) -> None:
    print(f"chaos: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
