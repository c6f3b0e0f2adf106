"""A request of pictures keeps to its time, its turn and its memory, whatever becomes of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.screening import screening_handler
from src.config.settings import load_settings
from src.core.errors import BodyTooLarge, Busy, InvalidJson, TimedOut
from src.core.stage_times import Stage, StageTimes
from src.core.types import ModelInfo
from src.services.workers import Workers

SECONDS_BEFORE_A_TEST_GIVES_UP = 30
MEGABYTE = 1024 * 1024
MODEL = ModelInfo(
    name="EyeNet",
    sha256="0" * 64,
    classes=("Healthy", "Stye"),
    grad_cam_layer="multiply_1",
    device="CPU",
    tensorflow="2.14.1",
    calibrated=False,
    precision="float32",
)


class Echo(BaseModel):
    text: str


class Steps:
    """Parses, analyses and renders text; an analysis can be held, and what was done is remembered."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.done: list[str] = []
        self.is_held = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def parse(self, body: str | bytes) -> str:
        if body == "broken":
            raise InvalidJson("The body is not valid JSON.")
        self.done.append("parse")
        return str(body)[:10]

    async def analyse(self, parsed: str, _times: StageTimes) -> Any:
        return await self._workers.run(self._analyse, parsed)

    def _analyse(self, parsed: str) -> str:
        self.is_held.set()
        assert self.may_go_on.wait(SECONDS_BEFORE_A_TEST_GIVES_UP)
        self.done.append("analyse")
        return parsed

    def render(self, report: Any, _model: ModelInfo) -> BaseModel:
        self.done.append("render")
        return Echo(text=report)


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.close()


@pytest.fixture
def steps(workers: Workers) -> Steps:
    return Steps(workers)


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, workers: Workers) -> ApiContext:
    """One turn, a deadline of one second, bodies of a megabyte, two of them at once."""
    for name, value in {"REQUEST_TIMEOUT_S": "1", "MAX_BODY_MB": "1", "MAX_MEMORY_IN_FLIGHT_MB": "2"}.items():
        monkeypatch.setenv(name, value)
    context = ApiContext(load_settings(env_file=None))
    context.attach(SimpleNamespace(model=MODEL, requests_at_once=1, workers=workers))
    return context


@pytest.fixture
def screen(context: ApiContext, steps: Steps) -> Handler:
    return screening_handler(context, steps.parse, steps.analyse, steps.render)


def request_of(body: str | bytes) -> Any:
    return SimpleNamespace(body=body, files={}, form_data={})


def assert_idle(context: ApiContext) -> None:
    assert context.lifecycle.in_flight == 0
    assert context.lifecycle.bytes_in_flight == 0
    assert context.turns.waiting == 0


async def until_idle(context: ApiContext) -> None:
    while context.lifecycle.in_flight:
        await asyncio.sleep(0.005)


def test_the_body_is_parsed_analysed_and_rendered(context: ApiContext, screen: Handler, steps: Steps) -> None:
    times = StageTimes()
    answer = asyncio.run(screen(request_of("picture"), times))
    assert (answer.status, answer.body) == (200, b'{"text":"picture"}')
    assert steps.done == ["parse", "analyse", "render"]
    assert list(times.seconds()) == [Stage.QUEUE, Stage.PARSE, Stage.ENCODE]
    assert_idle(context)


@pytest.mark.parametrize(("body", "error"), [("broken", InvalidJson), ("x" * (MEGABYTE + 1), BodyTooLarge)])
def test_what_is_wrong_is_said_and_nothing_is_kept(
    context: ApiContext, screen: Handler, body: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        asyncio.run(screen(request_of(body), StageTimes()))
    assert_idle(context)


def test_the_servers_own_request_does_not_keep_the_body(screen: Handler) -> None:
    request = request_of("picture")
    asyncio.run(screen(request, StageTimes()))
    assert request.body == ""


def test_who_waits_for_a_turn_until_it_is_too_late_is_not_even_parsed(
    context: ApiContext, screen: Handler, steps: Steps
) -> None:
    async def scene() -> None:
        async with context.turns.turn(StageTimes()):
            with pytest.raises(TimedOut):
                await screen(request_of("picture"), StageTimes())
            await until_idle(context)

    asyncio.run(scene())
    assert steps.done == []
    assert_idle(context)


def test_work_past_the_deadline_ends_with_the_step_that_runs(
    context: ApiContext, screen: Handler, steps: Steps
) -> None:
    steps.may_go_on.clear()

    async def scene() -> None:
        with pytest.raises(TimedOut):
            await screen(request_of("picture"), StageTimes())
        assert steps.is_held.is_set()
        # The thread has not let go yet: place, memory and turn are still taken.
        assert (context.lifecycle.in_flight, context.lifecycle.bytes_in_flight) == (1, len("picture"))
        waiting = asyncio.create_task(screen(request_of("another"), StageTimes()))
        await asyncio.sleep(0.05)
        assert context.turns.waiting == 1
        steps.may_go_on.set()
        await waiting
        await until_idle(context)

    asyncio.run(scene())
    # The first one was analysed to the end of that step, and never rendered.
    assert steps.done == ["parse", "analyse", "parse", "analyse", "render"]
    assert_idle(context)


def test_one_body_more_than_the_memory_allows_is_refused_and_room_comes_back(
    context: ApiContext, screen: Handler, steps: Steps
) -> None:
    steps.may_go_on.clear()

    async def scene() -> None:
        first = [asyncio.create_task(screen(request_of("x" * MEGABYTE), StageTimes())) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert context.lifecycle.bytes_in_flight == 2 * MEGABYTE
        with pytest.raises(Busy):
            await screen(request_of("x"), StageTimes())
        steps.may_go_on.set()
        await asyncio.gather(*first)
        await screen(request_of("x" * MEGABYTE), StageTimes())

    asyncio.run(scene())
    assert_idle(context)


def test_an_answer_that_cannot_be_rendered_leaves_nothing_behind(
    context: ApiContext, screen: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Echo, "model_dump", lambda _self: divmod(1, 0))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(screen(request_of("picture"), StageTimes()))
    assert_idle(context)
