"""The commands and their options. What a command needs is imported when it runs: `doctor` runs without any package."""

from __future__ import annotations

import argparse
import contextlib
import io
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from src import __version__

_INTERRUPTED, _TERMINATED = 130, 143

_SCREEN = """
Sends every photo of FOLDER and of the folders in it through the same services as the server, without HTTP, and writes
into REPORT:

  report.html     for people: pictures, heatmaps, a table to sort and filter; inconclusive eyes first
  eyes.csv        one row per eye, for spreadsheets and statistics
  results.jsonl   one JSON line per photo, the truth of which the other two are made
  previews/       the small pictures

PNG, JPEG, WebP and BMP are read, whatever their names; other kinds of pictures (HEIC, raw files, TIFF, DICOM), damaged
files and linked folders are listed with the reason. Hidden files, bins and copies that storage makes (@eaDir) are left
out, and named. The settings are those of the server (.env), but nothing is saved to TEMP_IMAGES_DIR and SAVED_EYES_DIR.

Where a photo shows one eye, its name or its folder may say which: OD, RE, R, right or OS, LE, L, left.

The report holds pictures of people. Only you can read it, where the file system knows permissions; treat it as you
would the photographs.
EyeNet is not a medical device: the report is a screening aid for research, and does not replace an examination.
"""
_SCREEN_ENDING = """
Ctrl-C finishes the photos that are being worked on and writes the reports; a second one stops at once. The same command
goes on where it stopped, also after a crash: photos that have not changed, under the same model and settings, are not
screened again.

exit codes:
  0    every photo has an answer
  1    could not start, or could not write the report; the sentence says why
  2    the command line or a setting is wrong
  3    finished, but some pictures have no answer, or a place was not looked into; they are listed
  130  interrupted by Ctrl-C (143: by SIGTERM); the same command goes on

examples:
  python -m src.cli screen photos --out report
  python -m src.cli screen /media/clinic/2026-11 --out ~/reports/2026-11 --again
"""
_DOCTOR = """
Looks at the installation and prints what is wrong and what to do: Python and packages, processor and memory, settings,
model and files of detection, folders, disk, port, TensorFlow and its device. Nothing is changed.
"""
_DOCTOR_ENDING = """
exit codes:
  0    nothing fails; warnings may stand
  1    something fails
  2    the command line is wrong
  130  interrupted by Ctrl-C (143: by SIGTERM)

examples:
  python -m src.cli doctor
  python -m src.cli doctor --quick          without loading TensorFlow: two seconds
  python -m src.cli doctor --json | jq .    for machines
"""
_ENDING = """
examples:
  python -m src.cli screen photos --out report
  python -m src.cli doctor
  python -m src.cli screen --help
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A file name must not stop a run whose terminal cannot show it.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        if options.command == "doctor":
            from src.cli.doctor.command import run_doctor  # noqa: PLC0415

            # As Ctrl-C does it: the process that loads the model ends, too.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
            return run_doctor(quick=options.quick, as_json=options.json)
        from src.cli.screening.command import run_screening  # noqa: PLC0415

        return run_screening(options.folder, options.out, again=options.again)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # `| head` has read enough.
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.cli",
        description="EyeNet Backend on the command line. Not a medical device.",
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"EyeNet Backend {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    screen = _add(commands, "screen", "screen a folder of photos and write a report", _SCREEN, _SCREEN_ENDING)
    screen.add_argument("folder", metavar="FOLDER", type=Path, help="the photos; only read")
    screen.add_argument("--out", metavar="REPORT", type=Path, required=True, help="a new folder, or one to go on with")
    screen.add_argument("--again", action="store_true", help="screen all photos again, whatever REPORT holds")
    doctor = _add(commands, "doctor", "check the installation", _DOCTOR, _DOCTOR_ENDING)
    doctor.add_argument("--quick", action="store_true", help="do not load TensorFlow and the model")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, text: str, ending: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=text.strip(),
        epilog=ending.strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
