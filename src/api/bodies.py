"""The body of a request, as it is taken from Robyn: JSON, or for an upload also the picture as it is, or a form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from robyn import Request

from src.api.parameters import Told, told_in_form
from src.core.errors import BodyTooLarge, InvalidPayload, UnsupportedContentType

FORM_BEHIND_GATEWAY = "application/vnd.eyenet.form-data"
"""What the gateway calls `multipart/form-data`, so that it comes here as it was sent: Robyn reads those that it knows,
forgets the names of their parts, and answers a bare 500 where it cannot.
"""

_MOST_PARTS = 32


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture's file, or its data URI from a field of a form, and the other fields of that form."""

    content: str | bytes
    fields: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.content)

    def told(self) -> Told:
        """What the form says of the picture.

        Raises:
            InvalidPayload: another word than the known ones.
        """
        return told_in_form(self.fields, "eye", "mirrored")


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form as it was sent (RFC 7578), and what stands between its parts."""

    content: bytes
    boundary: str

    def __len__(self) -> int:
        return len(self.content)

    def picture(self) -> SentPicture:
        """Its part `image`, and the others.

        Raises:
            InvalidPayload: it is not well formed, or has not one picture.
        """
        files: list[bytes] = []
        fields: dict[str, str] = {}
        try:
            for name, is_file, content in self._parts():
                if is_file:
                    files += [content] if name == "image" else []
                else:
                    fields[name] = content.decode()
        except (MultipartError, UnicodeDecodeError):
            raise InvalidPayload("The form cannot be read: its parts are not as RFC 7578 says.") from None
        return _only_picture(files, fields)

    def _parts(self) -> Iterator[tuple[str, bool, bytes]]:
        """Name, whether it is a file, content."""
        part: tuple[str, bool] | None = None
        chunks: list[bytes | bytearray] = []
        with PushMultipartParser(self.boundary, max_segment_count=_MOST_PARTS, strict=True) as parser:
            for event in parser.parse(self.content):
                if isinstance(event, MultipartSegment):
                    part, chunks = (event.name, event.filename is not None), []
                elif event:
                    chunks.append(event)
                elif part is not None:
                    yield *part, b"".join(chunks)


def take_json(request: Request, max_megabytes: int) -> str | bytes:
    """The body: ASCII text, or bytes, so that in memory it is as large as it was sent.

    It is taken away from Robyn's request, which would keep it until the answer is out.

    Raises:
        UnsupportedContentType: it is said not to be JSON, or to be compressed (RFC 9110, section 15.5.16).
        BodyTooLarge: more than `max_megabytes` MiB.
    """
    content, files = _taken(request)
    # Robyn reads forms by a rule of its own, and keeps their files beside the body.
    if files or request.form_data or _type_of(request) not in ("", "application/json"):
        raise UnsupportedContentType
    return _measured(content, max_megabytes)


def take_upload(request: Request, max_megabytes: int) -> str | bytes | SentPicture | SentForm:
    """The same, or the picture where the body is said to be one, or to be a form with one.

    Raises:
        UnsupportedContentType: it is said to be none of these, or to be compressed.
        InvalidPayload: a form without a picture or with several; nothing at all.
        BodyTooLarge: more than `max_megabytes` MiB.
    """
    kind = _type_of(request)
    if kind == "multipart/form-data":
        content, files = _taken(request)
        # All parts, one after the other.
        _check_length(content, max_megabytes)
        # Robyn knows files by their own names, and not by those of their parts.
        sent = _only_picture(list(files.values()), dict(request.form_data))
        return SentPicture(_measured(sent.content, max_megabytes), sent.fields)
    if kind != FORM_BEHIND_GATEWAY and not kind.startswith("image/"):
        return take_json(request, max_megabytes)
    content = _measured(_taken(request)[0], max_megabytes)
    content = content if isinstance(content, bytes) else content.encode()
    if kind == FORM_BEHIND_GATEWAY:
        _, options = parse_options_header(request.headers.get("content-type") or "")
        return SentForm(content, options.get("boundary", ""))
    return _only_picture([content], {})


def _only_picture(files: Sequence[bytes], fields: dict[str, str]) -> SentPicture:
    text = fields.pop("image", None)
    pictures: list[str | bytes] = [*files, *([] if text is None else [text])]
    if len(pictures) != 1:
        found = f"{len(pictures)} pictures; send one" if pictures else "no picture; send it as its part image"
        raise InvalidPayload(f"The form has {found}.")
    if not pictures[0]:
        raise InvalidPayload("The picture is empty; send a PNG, JPEG, WebP or BMP.")
    return SentPicture(pictures[0], fields)


def _taken(request: Request) -> tuple[str | bytes, Mapping[str, bytes]]:
    """Body and files of a form; Robyn's request has neither afterwards."""
    content: str | bytes = request.body
    files: Mapping[str, bytes] = request.files
    request.body = ""
    if files:
        request.files = {}
    if (request.headers.get("content-encoding") or "").strip().lower() not in ("", "identity"):
        raise UnsupportedContentType("The body is compressed (Content-Encoding); send it uncompressed.")
    return content, files


def _type_of(request: Request) -> str:
    """What the body is said to be; parameters are left alone (RFC 8259, section 11)."""
    return (request.headers.get("content-type") or "").partition(";")[0].strip().lower()


def _measured(body: str | bytes, max_megabytes: int) -> str | bytes:
    # One character outside Latin makes Python use four bytes for every other one.
    if not isinstance(body, bytes) and not body.isascii():
        # No character is less than a byte, so what is too long already need not be copied.
        _check_length(body, max_megabytes)
        body = body.encode()
    _check_length(body, max_megabytes)
    return body


def _check_length(body: str | bytes, max_megabytes: int) -> None:
    if len(body) > max_megabytes * 1024 * 1024:
        raise BodyTooLarge(f"The body is larger than the {max_megabytes} MiB allowed.")
