"""Requests that are nearly right, or nothing like it: drawn by Hypothesis from the schema of the routes.

All of them are well-formed HTTP, because what is not is the gateway's to refuse (see `attacks`).
"""

from __future__ import annotations

import base64
import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lab.chaos.mutated_pictures import picture_files, replace_at, seed_pictures

ROUTES = ("/predict", "/upload", "/health", "/live", "/metrics")
_PATHS = (
    *ROUTES,
    "/", "/predict/", "//predict", "/PREDICT", "/predict?x=1", "/predict%00", "/upload/../predict", "/predict#x",
    "/upload;a=b", "/" + "a" * 4000, "/%ff%fe", "/%2e%2e/etc/passwd", "/health?" + "q=1&" * 500, "/.env", "/docs",
    "/openapi.json", "/assets/../main.py", "/*rest", "/:id",
)  # fmt: skip
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_CONTENT_TYPES = (
    "application/json", "application/json; charset=utf-16", "text/plain", "image/png", "", "a" * 2000,
    "application/x-www-form-urlencoded", "application/xml",
)  # fmt: skip
# Robyn reads multipart before any code of ours and answers 500 where it cannot; the gateway keeps it from that.
_MULTIPART = ("multipart/form-data", "multipart/form-data; boundary=x", "Multipart/Form-Data; boundary=")
_HEADERS = (
    ("Origin", "http://localhost:5173"), ("Origin", "null"), ("Origin", "http://evil.example"), ("Origin", "\xff"),
    ("X-Request-ID", "a" * 3000), ("X-Request-ID", "x y\tz"), ("Accept", "text/html;q=zzz"), ("Range", "bytes=5-1"),
    ("Expect", "100-continue"), ("Content-Encoding", "gzip"), ("Accept-Encoding", "br;q=-1, *"), ("Cookie", "a=" * 500),
    ("If-None-Match", "*"), ("Access-Control-Request-Method", "\x80"), ("Authorization", "Bearer "),
    ("X-API-Key", "\xe9" * 50), ("X-HTTP-Method-Override", "DELETE"), ("Forwarded", "for=;;;"), ("Upgrade", "h2c"),
)  # fmt: skip
_HUGE_NUMBERS = (0, -1, 2**63, -(2**64), 10**300, 1.5e308, -0.0, 5e-324)
_DEEP = 20_000


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A path as it stands in the request line, and headers beside Host and Content-Length, in Latin-1."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def raw(self) -> bytes:
        """The request on the wire, after which the connection is closed."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def requests(*, with_multipart: bool) -> st.SearchStrategy[HttpRequest]:
    """Mostly bodies for the two routes that read them; some with another method, path or headers. With multipart, some
    say that they are forms, which a bare backend answers 500.
    """
    content_types = (*_CONTENT_TYPES, *_MULTIPART) if with_multipart else _CONTENT_TYPES
    right = st.builds(HttpRequest, st.just("POST"), st.sampled_from(ROUTES[:2]), st.just(()), bodies())
    headers = st.lists(st.sampled_from(_HEADERS), max_size=3, unique_by=lambda header: header[0]).map(tuple)
    typed = st.builds(lambda kind, others: (("Content-Type", kind), *others), st.sampled_from(content_types), headers)
    any_way = st.builds(HttpRequest, st.sampled_from(_METHODS), st.sampled_from(_PATHS), typed, bodies())
    return st.one_of(right, right, any_way)


def bodies() -> st.SearchStrategy[bytes]:
    """JSON near and far from the schema, and texts that are nearly JSON."""
    upload = st.dictionaries(st.sampled_from(("image", "image", "Image", "box", "")), _images(), max_size=2)
    sound = st.one_of(_frames(), upload, _json_values())
    written = sound.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    bent = st.builds(lambda body, bend: bend(body), written, _text_mutations())
    return st.one_of(written, written, bent, _texts())


def data_uris() -> st.SearchStrategy[str]:
    """Data URIs and bare base64, sound and bent."""
    encoded = picture_files().map(lambda file: base64.b64encode(file).decode("ascii"))
    header = st.sampled_from(
        ("", "data:image/png;base64,", "DATA:;BASE64,", "data:;base64;base64,", "data:image/png,", "data:", "data:,",
         "data:image/jpeg;charset=\ud800;base64,", "data:image/png;base64,data:image/png;base64,", "data:" + "a" * 5000)
    )  # fmt: skip
    bent = st.one_of(
        encoded,
        st.builds(lambda text, at, extra: text[: at % (len(text) + 1)] + extra + text[at % (len(text) + 1) :],
                  encoded, st.integers(0, 10_000), st.text(max_size=5)),
        encoded.map(lambda text: "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))),
        encoded.map(lambda text: text.rstrip("=")),
        encoded.map(lambda text: text + "===="),
        encoded.map(lambda text: text.replace("+", "-").replace("/", "_")),
        st.text(max_size=200),
    )  # fmt: skip
    return st.builds(str.__add__, header, bent)


def _frames() -> st.SearchStrategy[Any]:
    number = st.one_of(st.floats(0, 1), st.sampled_from(_HUGE_NUMBERS), st.none(), st.text(max_size=5), st.booleans())
    box = st.one_of(
        st.none(),
        st.fixed_dictionaries(dict.fromkeys("xywh", number)),
        st.dictionaries(st.sampled_from(("x", "y", "w", "h", "X", "")), number),
        _json_values(),
    )
    frame = st.fixed_dictionaries({"image": _images()}, optional={"score": number, "blur": number, "box": box})
    return st.lists(st.one_of(frame, frame, _json_values()), max_size=3)


def _images() -> st.SearchStrategy[Any]:
    sound = st.sampled_from([_uri(file) for file in seed_pictures().values()])
    return st.one_of(sound, picture_files().map(_uri), data_uris(), _json_values())


def _json_values() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(_HUGE_NUMBERS), st.text(max_size=20)
    )
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    )


def _texts() -> st.SearchStrategy[bytes]:
    """What no JSON writer writes."""
    nested = st.builds(lambda depth, close: b"[" * depth + b"]" * close, st.integers(1, _DEEP), st.integers(0, _DEEP))
    objects = st.integers(1, _DEEP).map(lambda depth: b'{"image":' * depth + b"1" + b"}" * depth)
    digits = st.integers(1, 5000).map(lambda count: b'[{"image": "x", "score": ' + b"9" * count + b"}]")
    fixed = st.sampled_from(
        (
            b"", b" ", b"\0", b"null", b"NaN", b"[NaN]", b"Infinity", b"\xef\xbb\xbf[]", b"\xff\xfe[\0]\0", b"[1,]",
            b'{"image": "a", "image": "b"}', b'{"image": "\\ud800"}', b'{"image": "\xed\xa0\x80"}', b"'x'",
            b'{"image": "\\u0000"}', b'[{"image": "x", "score": 1e999}]', b'[{"image": "x", "score": -1e-999}]',
            b'{"__proto__": {}}', b"[" + b"null," * 3000 + b"null]", b"[" + b"{}," * 3000 + b"{}]",
            b'{"image": ' + b'"A' * 1000, gzip.compress(b'{"image": "x"}', mtime=0),
            b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\nx\r\n--x--",
        )
    )  # fmt: skip
    return st.one_of(nested, objects, digits, fixed, st.binary(max_size=200))


def _text_mutations() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    place = st.integers(0, 20_000)
    return st.one_of(
        st.builds(replace_at, place, st.just(sys.maxsize), st.just(b"")),
        st.builds(replace_at, place, st.just(1), st.binary(min_size=1, max_size=1)),
        st.just(lambda body: b"\xef\xbb\xbf" + body),
        st.just(lambda body: body + body),
        st.just(lambda body: body.decode("utf-8", "replace").encode("utf-16")),
        st.just(lambda body: body.replace(b'"image"', b'"image": 1, "image"')),
    )


def _uri(file: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(file).decode('ascii')}"


_AT_A_TIME = 250
_Drawn = TypeVar("_Drawn")


def for_each_drawn(
    inputs: st.SearchStrategy[_Drawn], count: int, do: Callable[[_Drawn], None], first_seed: int = 0
) -> None:
    """Calls `do` with `count` inputs, the same ones on every run. What it raises ends the drawing.

    Hypothesis remembers all that it drew, to draw nothing twice. Over thousands of inputs its memory would hide that of
    what is tested, so it is asked for a few hundred at a time, each time with the next seed.
    """
    given_so_far = 0
    while given_so_far < count:

        def take(drawn: _Drawn) -> None:
            nonlocal given_so_far
            if given_so_far < count:
                given_so_far += 1
                do(drawn)

        search = settings(
            max_examples=min(_AT_A_TIME, count - given_so_far),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(first_seed)(search(given(inputs)(take)))()
        first_seed += 1
