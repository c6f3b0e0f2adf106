"""A context of the endpoints with a stand-in for what is loaded, and the requests that Robyn's server would make."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from robyn import Response

from src.api.context import ApiContext
from src.config.settings import Settings
from src.core.types import ModelInfo

MODEL = ModelInfo(
    name="EyeNet",
    sha256="0123456789abcdef" * 4,
    classes=("Cataract", "Conjunctivitis", "Healthy", "Stye"),
    grad_cam_layer="multiply_1",
    device="CPU",
    tensorflow="2.14.1",
    calibrated=True,
    precision="float32",
)


@pytest.fixture
def model() -> ModelInfo:
    return MODEL


@pytest.fixture
def context(settings: Settings) -> ApiContext:
    """As it is while the services are being loaded."""
    return ApiContext(settings)


def loaded(**services: Any) -> Any:
    """Services as `ApiContext.attach` takes them; nothing is wrong with them unless a test says so."""
    return SimpleNamespace(
        **(
            {"model": MODEL, "requests_at_once": 2, "frames_at_once": 2, "input_side": 224, "problems": list[str]}
            | services
        )
    )


def header(response: Response, name: str) -> str:
    """Of an answer as Robyn gets it; "" where it has none of that name."""
    return response.headers.get(name) or ""


def request_of(body: str | bytes = "", *, method: str = "POST", query: Any = None, **headers: str) -> Any:
    """Robyn's own request can be made only by its server; the contract tests use that one.

    The query has a list of values for each name.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    params = SimpleNamespace(to_dict=lambda: query or {})
    return SimpleNamespace(headers=named, method=method, body=body, files={}, form_data={}, query_params=params)
