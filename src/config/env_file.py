"""The file `.env`, and names that are nearly those of settings, in it or in the environment.

A misspelt name would otherwise be passed over in silence, and `API_KEY` for `API_KEYS` leaves the service open to all.
Sentences name variables and lines, never values: those may be secrets.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from src.core.errors import StartupError

# What other programs that share the file or the environment call theirs.
_OF_OTHERS = re.compile(
    r"(COMPOSE|DOCKER|BUILDKIT|CUDA|CUDNN|NVIDIA|NCCL|TF|XLA|ROBYN|OPENBLAS|OMP|MKL|GF|GITHUB)_\w+"
    r"|PYTHON\w*|KUBERNETES_\w+|\w+_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)"
    # The examples' clients.
    r"|EYENET_(URL|API_KEY)"
    # The gateway's and Compose's: deploy/gateway/README.md, docker-compose.yml.
    r"|GATEWAY_\w+|TLS_\w+|BACKENDS|RESOLVER|RATE_PER_ADDRESS|TRUSTED_PROXIES|BACKEND_MEMORY"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# One slip of the finger in so many characters.
_CHARACTERS_PER_SLIP = 6


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What the file says.

    Attributes:
        values: setting in lower case -> its text, of the settings that the file has.
        strangers: numbers of the lines whose names are neither settings nor known to be another program's.
    """

    values: dict[str, str]
    strangers: tuple[int, ...] = ()


def read_env_file(file: Path, settings: Collection[str]) -> EnvFile:
    """Reads it, if it is there; `settings` are their names in upper case.

    UTF-8 with or without a byte order mark, lines ended in any way, `export` in front of a name and quotes around a
    value are read as python-dotenv does, and names in upper or lower case.

    Raises:
        StartupError: the file or a line cannot be read, a setting stands there twice with different values, or a name
            is nearly a setting's; one sentence for each.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if not file.is_symlink():
            return EnvFile({})
        raise StartupError(f"{file} is a link to a file that is not there.") from None
    except UnicodeDecodeError:
        raise StartupError(f"{file} is not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise StartupError(f"{file} cannot be read: {error.strerror}. Mend or remove it.") from None
    lines = list(_lines(text))
    wrong = [sentence for line in lines if (sentence := line.problem(settings))] + list(_twice(lines, settings))
    if wrong:
        raise StartupError(" ".join(f"{file}, {sentence}." for sentence in wrong))
    strangers = [line.number for line in lines if not (line.name in settings or _OF_OTHERS.fullmatch(line.name))]
    values = dotenv_values(stream=io.StringIO(text)).items()
    own = {name.lower(): value for name, value in values if name.upper() in settings and value is not None}
    return EnvFile(own, tuple(strangers))


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    binding: Binding

    @property
    def name(self) -> str:
        return (self.binding.key or "").upper()

    def problem(self, settings: Collection[str]) -> str | None:
        """What is wrong with it, as the end of a sentence."""
        if self.binding.error or self.binding.value is None or not _NAME.fullmatch(self.name):
            return f"line {self.number} cannot be read: lines are NAME=value, comments, or empty; a quote needs its end"
        following = self.binding.original.string.strip().splitlines()[1:]
        names = {re.sub(r"^\s*(export\s+)?|\s*=.*", "", line).upper() for line in following}
        if following and not names.union([self.name]).isdisjoint(settings):
            return f"line {self.number} has a quote that is not closed in it, which swallows the lines after it"
        likely = None if _OF_OTHERS.fullmatch(self.name) else likely_setting(self.name, settings)
        if likely is not None:
            return f"line {self.number}: {self.binding.key} is no setting. Is {likely} meant? Rename or remove it"
        return None


def _lines(text: str) -> Iterator[_Line]:
    """What is neither empty nor a comment."""
    for binding in parse_stream(io.StringIO(text)):
        original = binding.original.string
        before = original[: len(original) - len(original.lstrip())]
        if binding.error or binding.key is not None:
            yield _Line(binding.original.line + len(re.findall(r"\r\n|\n|\r", before)), binding)


def _twice(lines: list[_Line], settings: Collection[str]) -> Iterator[str]:
    first: dict[str, _Line] = {}
    for line in lines:
        earlier = first.setdefault(line.name, line)
        if line.name in settings and line.binding.value != earlier.binding.value:
            yield f"lines {earlier.number} and {line.number} both set {line.name}, differently: keep one of them"


def misspelt_variables(environment: Collection[str], settings: Collection[str]) -> dict[str, str]:
    """Variable -> the setting that it is probably meant to be.

    Stricter than for the file, because the environment is full of other programs' names: of settings of one word, such
    as PORT, only swapped letters are noticed.
    """
    names = [name for name in environment if name.upper() not in settings and not _OF_OTHERS.fullmatch(name.upper())]
    likely = {name: likely_setting(name, settings) for name in names}
    return {
        name: setting
        for name, setting in likely.items()
        if setting is not None and ("_" in setting or sorted(name.upper()) == sorted(setting))
    }


def likely_setting(name: str, settings: Collection[str]) -> str | None:
    """The setting that a name which is none is nearly.

    It has slips of the finger, other separators, another plural, its words in another order, or not the last of them.
    """
    name = name.upper()
    if name in settings:
        return None
    close = {setting: _slips(_letters(name), _letters(setting)) for setting in settings if _is_like(name, setting)}
    return min(close, key=lambda setting: close[setting], default=None)


def _is_like(name: str, setting: str) -> bool:
    letters, known = _letters(name), _letters(setting)
    words = re.split(r"[^A-Z0-9]+", name)
    return (
        _slips(letters, known) <= max(1, len(known) // _CHARACTERS_PER_SLIP)
        or name == f"EYENET_{setting}"
        or f"{letters}ES" == known
        or letters == f"{known}ES"
        or (len(words) > 1 and (sorted(words) == sorted(setting.split("_")) or setting.startswith(f"{name}_")))
    )


def _letters(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name)


def _slips(one: str, other: str) -> int:
    """How many letters were left out, added, exchanged or swapped with their neighbour (Damerau, CACM 1964)."""
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, known in enumerate(other, 1):
            slips = min(line[-1] + 1, last[column] + 1, last[column - 1] + (letter != known))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == known:
                slips = min(slips, before[column - 2] + 1)
            line.append(slips)
        before, last = last, line
    return last[-1]
