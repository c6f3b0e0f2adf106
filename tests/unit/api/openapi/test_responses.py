"""What clients read of an error beforehand is what the service and its gateway say."""

from __future__ import annotations

import re

import pytest

from src.api.answers import sentence_of
from src.api.openapi import operations
from src.api.openapi.schemas import FRAME_ERRORS, GATEWAY_ERRORS, GatewayError
from src.config.settings import PROJECT_ROOT, Settings
from src.core.errors import EyeNetError, NotFound, errors_of_answers

CONFIGURATION = PROJECT_ROOT / "deploy" / "gateway" / "errors.conf"
CODE_OF_GATEWAY = re.compile(r"^ +(\d{3}) +([a-z_]+);$", re.MULTILINE)


ALL_ERRORS = [*errors_of_answers(), *GATEWAY_ERRORS]


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda error: error.code)
def test_every_error_has_an_example_and_says_what_to_do(error: type[EyeNetError] | GatewayError) -> None:
    assert error.sentence
    assert error.advice.endswith(".")


def sentences(path_item: operations.PathItem) -> dict[str, str]:
    """By the codes of the service itself."""
    responses = path_item["post"]["responses"]
    examples = [answer["content"]["application/json"]["examples"] for answer in responses.values()]
    return {
        name: example["value"]["message"]
        for named in examples
        for name, example in named.items()
        if "message" in example["value"] and not name.endswith("_of_gateway")
    }


def test_an_example_is_what_the_service_says_of_the_first_frame(settings: Settings) -> None:
    shown = sentences(operations.predict(settings))
    for error in set(errors_of_answers()) - {NotFound}:
        assert shown[error.code] == sentence_of(error(), 0 if error in FRAME_ERRORS else None)


def test_an_upload_has_no_frames(settings: Settings) -> None:
    shown = sentences(operations.upload(settings))
    assert "too_many_frames" not in shown
    assert not any("Frame" in sentence for sentence in shown.values())
    assert shown["invalid_payload"] == "The body: image is missing."
    assert shown["not_a_picture"].startswith("image: ")


def test_the_gateways_codes_are_those_of_its_configuration() -> None:
    configured = {(code, int(status)) for status, code in CODE_OF_GATEWAY.findall(CONFIGURATION.read_text("utf-8"))}
    assert {(error.code, error.status) for error in GATEWAY_ERRORS} <= configured
