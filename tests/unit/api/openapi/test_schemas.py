"""The schemas are narrowed where the code is."""

from __future__ import annotations

from src.api.openapi.schemas import FRAME_ERRORS, component_schemas
from src.config.settings import Settings
from src.core.errors import BadRequest, InvalidJson, NoEyesDetected, PictureTooLarge
from src.core.types import EyeSource, Reason
from src.core.wording import REASONS


def test_every_reason_is_explained_in_its_order(settings: Settings) -> None:
    described = component_schemas(settings)["Reason"]
    assert described["enum"] == [reason.value for reason in Reason]
    for reason in Reason:
        assert f"- `{reason.value}`: {REASONS[reason].meaning}" in described["description"]


def test_every_way_to_find_an_eye_is_there(settings: Settings) -> None:
    assert component_schemas(settings)["EyeSource"]["enum"] == [source.value for source in EyeSource]


def test_a_frame_fails_as_a_request_does_but_for_what_concerns_all_frames() -> None:
    of_whole_requests = {InvalidJson, NoEyesDetected}
    assert set(FRAME_ERRORS) == (set(BadRequest.__subclasses__()) - of_whole_requests) | {PictureTooLarge}


def test_titles_do_not_say_a_fields_name_once_more(settings: Settings) -> None:
    for schema in component_schemas(settings).values():
        assert not any("title" in field for field in schema.get("properties", {}).values())
