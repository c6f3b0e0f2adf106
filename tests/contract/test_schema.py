"""A tool that reads the OpenAPI document and sends what somebody else would: the service does what it says."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema

from lab.common.backend import ServiceProcess
from tests.contract.payloads import REPEATABLE

_CONFIG = {
    "seed": 1,
    "checks": {
        # What is a picture, no schema can say: made-up base64 is rightly refused.
        "positive_data_acceptance": {"enabled": False},
        # One frame too many is too large.
        "negative_data_rejection": {"expected-statuses": ["400", "405", "413", "415"]},
    },
    # What it tries where it is not documented. Methods that Robyn does not know (QUERY) are answered by its server
    # itself, without `Allow`.
    "phases": {"coverage": {"unexpected-methods": ["get", "put", "post", "delete", "patch", "trace"]}},
}


@pytest.fixture(scope="session")
def api_schema(service: ServiceProcess) -> BaseSchema:
    config = SchemathesisConfig.from_dict(_CONFIG)
    schema = schemathesis.openapi.from_dict(service.client.get("/openapi.json").json(), config=config)
    schema.config.update(base_url=str(service.client.base_url))
    return schema


api = schemathesis.pytest.from_fixture("api_schema")


AnyCase: TypeAlias = "schemathesis.Case[Any]"


def check(case: AnyCase) -> None:
    """Raises what the answer has that its document does not say: status, headers or shape."""
    answer = case.call(timeout=120)
    # Robyn's server reads forms before any code of ours, and answers a bare 500 if it cannot: ours have an id.
    is_form = "multipart/" in f"{case.media_type} {case.headers.get('Content-Type', '')}"
    if not (is_form and answer.status_code == 500 and "x-request-id" not in answer.headers):
        case.validate_response(answer)


@api.parametrize()
@settings(max_examples=2, **REPEATABLE)
def test_the_service_does_what_its_document_says(case: AnyCase) -> None:
    check(case)


@pytest.mark.heavy
@api.parametrize()
@settings(max_examples=15, **REPEATABLE)
def test_the_service_does_what_its_document_says_in_many_more_cases(case: AnyCase) -> None:
    check(case)
