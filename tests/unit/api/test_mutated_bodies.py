"""A share of what `make chaos` gives to the code that parses bodies: only errors of ours come out."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings

from lab.chaos.mutated_requests import bodies
from src.api.requests import parse_frames, parse_upload
from src.core.errors import EyeNetError

MAX_FRAMES = 32


def code_of(read: Callable[[], object]) -> str | None:
    """Of the error that reading ends in; None where it ends well."""
    try:
        read()
    except EyeNetError as error:
        return error.code
    return None


@settings(max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(bodies())
def test_a_mutated_body_is_parsed_or_refused(body: bytes) -> None:
    frames_code = code_of(lambda: parse_frames(body, MAX_FRAMES))
    upload_code = code_of(lambda: parse_upload(body))

    assert frames_code in (None, "invalid_json", "invalid_payload", "too_many_frames")
    assert upload_code in (None, "invalid_json", "invalid_payload", "not_base64")
    # What is an object is no array.
    assert frames_code or upload_code
