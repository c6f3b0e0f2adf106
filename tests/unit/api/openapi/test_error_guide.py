"""What clients read of an error beforehand is what the service and its gateway say."""

from __future__ import annotations

import re

import pytest

from src.api.openapi import error_guide
from src.api.openapi.error_guide import FROM_GATEWAY, ErrorGuide, leaf_errors, own_errors
from src.config.settings import PROJECT_ROOT
from src.core.errors import EyeNetError, MethodNotAllowed

GATEWAY_ERRORS = PROJECT_ROOT / "deploy" / "gateway" / "errors.conf"
CODE_OF_GATEWAY = re.compile(r"^ +(\d{3}) +([a-z_]+);$", re.MULTILINE)


def test_every_error_is_there_and_nothing_else() -> None:
    codes = [error.code for error in leaf_errors()]
    assert len(codes) == len(set(codes)) > 15
    assert set(codes) == set(error_guide._SENTENCES_AND_ADVICE)


def test_it_follows_the_tree() -> None:
    assert [(guide.code, guide.status) for guide in own_errors()] == [
        (error.code, error.status) for error in leaf_errors()
    ]


# All others say what is wrong with the request; the contract tests compare those.
SAY_ALWAYS_THE_SAME = [error for error in leaf_errors() if "__init__" in vars(error) and error is not MethodNotAllowed]


@pytest.mark.parametrize("error", SAY_ALWAYS_THE_SAME, ids=lambda error: error.code)
def test_an_error_that_says_always_the_same_is_quoted(error: type[EyeNetError]) -> None:
    assert {guide.code: guide.sentence for guide in own_errors()}[error.code] == str(error())


@pytest.mark.parametrize("guide", [*own_errors(), *FROM_GATEWAY], ids=lambda guide: guide.code)
def test_it_says_what_to_do(guide: ErrorGuide) -> None:
    assert guide.advice.endswith(".")
    assert guide.sentence


def test_an_upload_has_no_frames() -> None:
    assert not any("Frame" in guide.in_upload().sentence for guide in own_errors())


def test_the_gateways_codes_are_those_of_its_configuration() -> None:
    configured = {(code, int(status)) for status, code in CODE_OF_GATEWAY.findall(GATEWAY_ERRORS.read_text("utf-8"))}
    assert {(guide.code, guide.status) for guide in FROM_GATEWAY} <= configured
