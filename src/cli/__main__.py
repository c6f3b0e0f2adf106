"""`python -m src.cli`. Written so that any Python gets as far as a sentence, whatever is installed."""

from __future__ import annotations

import sys

_OLDEST_PYTHON = (3, 10)


def _run() -> int:
    if sys.version_info < _OLDEST_PYTHON:
        print("EyeNet Backend needs Python 3.10 to 3.13; this is " + sys.version.split()[0], file=sys.stderr)
        return 1
    from src.config.process import prepare_for_numpy  # noqa: PLC0415  (another Python cannot read on)

    prepare_for_numpy()
    from src.cli.commands import main  # noqa: PLC0415  (imports NumPy once a command asks for it)

    return main()


if __name__ == "__main__":
    sys.exit(_run())
