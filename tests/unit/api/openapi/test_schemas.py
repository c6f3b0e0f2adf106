"""The schemas are narrowed where the code is."""

from __future__ import annotations

from enum import Enum

import pytest

from src.api.openapi.schemas import FRAME_ERRORS, component_schemas
from src.config.settings import Settings
from src.core.errors import BadRequest, InvalidJson, NoEyesDetected, PictureTooLarge
from src.core.types import EyeSource, Reason, SideSource
from src.core.wording import REASONS


def test_every_reason_is_explained_in_its_order(settings: Settings) -> None:
    described = component_schemas(settings)["Reason"]
    for reason in Reason:
        assert f"- `{reason.value}`: {REASONS[reason].meaning}" in described["description"]


@pytest.mark.parametrize("known", [Reason, EyeSource, SideSource])
def test_of_what_more_may_come_the_known_are_examples(settings: Settings, known: type[Enum]) -> None:
    schema = component_schemas(settings)[known.__name__]
    assert (schema["type"], schema["examples"]) == ("string", [value.value for value in known])
    assert not schema.keys() & {"enum", "const"}
    assert all(f"`{value.value}`" in schema["description"] for value in known)


def test_there_is_no_third_side(settings: Settings) -> None:
    assert component_schemas(settings)["EyeSide"]["enum"] == ["left", "right", "unknown"]


def test_a_frame_fails_as_a_request_does_but_for_what_concerns_all_frames() -> None:
    of_whole_requests = {InvalidJson, NoEyesDetected}
    assert set(FRAME_ERRORS) == (set(BadRequest.__subclasses__()) - of_whole_requests) | {PictureTooLarge}


def test_titles_do_not_say_a_fields_name_once_more(settings: Settings) -> None:
    for schema in component_schemas(settings).values():
        assert not any("title" in field for field in schema.get("properties", {}).values())
