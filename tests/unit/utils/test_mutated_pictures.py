"""A share of what `make chaos` gives to the code that reads pictures: only errors of ours come out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from lab.chaos.mutated_pictures import picture_files, seed_pictures
from lab.chaos.mutated_requests import data_uris
from src.core.errors import EyeNetError, UnsupportedPicture
from src.utils.data_uri import decode_data_uri
from src.utils.image_codec import decode_picture

# Pillow warns of damage in files that it can read all the same.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

LIMIT = 1_000_000
_Result = TypeVar("_Result")
a_few = settings(
    max_examples=250, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


def outcome(decode: Callable[..., _Result], *arguments: object) -> _Result | EyeNetError:
    """What it returns, or the error of ours that it raises."""
    try:
        return decode(*arguments)
    except EyeNetError as error:
        return error


def assert_decoded_or_refused(file: bytes) -> None:
    found = outcome(decode_picture, file, LIMIT)
    if isinstance(found, EyeNetError):
        assert found.status in (400, 413)
    else:
        assert found.dtype == np.uint8
        assert found.ndim == 3
        assert 32 * 32 <= found.shape[0] * found.shape[1] <= LIMIT


@pytest.mark.parametrize("name", seed_pictures())
def test_what_mutations_start_from_is_sound_but_refused_where_it_is_animated(name: str) -> None:
    refused = pytest.raises(UnsupportedPicture, match="animated")
    with refused if "animated" in name else contextlib.nullcontext():
        decode_picture(seed_pictures()[name], LIMIT)


@settings(a_few, max_examples=500)
@given(picture_files())
def test_a_mutated_picture_is_decoded_or_refused(file: bytes) -> None:
    assert_decoded_or_refused(file)


@a_few
@given(data_uris())
def test_a_mutated_data_uri_is_decoded_or_refused(text: str) -> None:
    found = outcome(decode_data_uri, text)
    if isinstance(found, EyeNetError):
        assert found.code == "not_base64"
    else:
        assert_decoded_or_refused(found)
