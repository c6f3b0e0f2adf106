"""A request of pictures keeps to its time, its turn and its memory, whatever becomes of it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from robyn import Response

from src.api.access import Access
from src.api.admission import Lifecycle
from src.api.context import ApiContext
from src.api.endpoint import Route, endpoint
from src.api.routes.upload import upload_handler
from src.config.settings import load_settings
from src.core.errors import Busy
from src.core.stage_times import StageTimes
from src.core.types import AnalysisReport, Box, EyeReport, EyeSide, EyeSource, Frame
from src.services.analysis import Pictures
from src.services.workers import Workers
from src.utils.picture_parts import PictureHeader
from tests.unit.api.conftest import header, loaded, request_of

HEADER = PictureHeader("PNG", 640, 640, ((0, 3),))
SECONDS_BEFORE_A_TEST_GIVES_UP = 30
MEGABYTE = 1024 * 1024
PICTURE = '{"image": "AAAA"}'
Post = Callable[..., Coroutine[Any, Any, Response]]


def padded(size: int) -> str:
    """A good body of so many bytes."""
    return PICTURE + " " * (size - len(PICTURE))


class Analysis:
    """Sees one eye in whatever comes; it can be held, and what was done is remembered."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.analysed: list[bytes] = []
        self.told: dict[str, Any] = {}
        self.is_held = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    @staticmethod
    def read_headers(frames: Sequence[Frame]) -> Pictures:
        """As if every frame were a picture."""
        return Pictures(tuple((frame, HEADER) for frame in frames), ())

    async def analyse_upload(self, pictures: Pictures, _times: StageTimes, **told: Any) -> AnalysisReport:
        self.told = told
        return await self._workers.run(self._analyse, pictures.readable[0][0])

    def _analyse(self, frame: Frame) -> AnalysisReport:
        self.is_held.set()
        assert self.may_go_on.wait(SECONDS_BEFORE_A_TEST_GIVES_UP)
        self.analysed.append(frame.data)
        scores, preview = np.array([0, 0, 1, 0], np.float32), np.zeros((8, 8, 3), np.uint8)
        eye = EyeReport(EyeSide.LEFT, scores, 2, 1, preview, None, EyeSource.WHOLE_PICTURE, 1.0, (), Box(0, 0, 8, 8))
        return AnalysisReport({EyeSide.LEFT: eye}, ())


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.close()


@pytest.fixture
def analysis(workers: Workers) -> Analysis:
    return Analysis(workers)


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, workers: Workers, analysis: Analysis) -> ApiContext:
    """One turn, bodies of a megabyte, two of them at once."""
    for name, value in {"MAX_BODY_MB": "1", "MAX_MEMORY_IN_FLIGHT_MB": "2"}.items():
        monkeypatch.setenv(name, value)
    context = ApiContext(load_settings(env_file=None))
    context.attach(loaded(workers=workers, analysis=analysis))
    return context


@pytest.fixture
def lifecycle(context: ApiContext) -> Lifecycle:
    return context.admission.lifecycle


@pytest.fixture
def post(context: ApiContext) -> Post:
    """Sends a body to the route, which has a deadline of one second."""
    handler = upload_handler(context)
    answer = endpoint(context, handler, Route("/upload", {"POST": handler}, Access.GUARDED, timeout_s=1.0))
    return lambda body, **query: answer(request_of(body, query={name: [word] for name, word in query.items()}))


def code_of(response: Response) -> str:
    return str(json.loads(response.description)["body"]["code"])


def assert_idle(context: ApiContext) -> None:
    assert context.admission.lifecycle.in_flight == 0
    assert context.admission.line.waiting == 0
    # All of the memory is free again.
    with context.admission.lifecycle.work(2 * MEGABYTE), pytest.raises(Busy):
        context.admission.lifecycle.work(1).__enter__()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_the_body_is_parsed_analysed_and_rendered(context: ApiContext, post: Post, analysis: Analysis) -> None:
    answer = asyncio.run(post(PICTURE))
    assert answer.status_code == 200
    assert json.loads(answer.description)["left_eye"]["best_prediction"] == "Healthy"
    assert analysis.analysed == [b"\0\0\0"]
    stages = [entry.split(";")[0] for entry in header(answer, "Server-Timing").split(", ")]
    assert stages == ["parse", "queue", "encode", "total"]
    assert_idle(context)


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ('{"image": "AAAA", "eye": "right", "mirrored": true}', {}),
        (PICTURE, {"eye": "right", "mirrored": "true"}),
        ('{"image": "AAAA", "eye": "right"}', {"eye": "right", "mirrored": "true"}),
    ],
)
def test_what_is_said_of_the_picture_reaches_the_analysis(
    post: Post, analysis: Analysis, body: str, query: dict[str, str]
) -> None:
    assert asyncio.run(post(body, **query)).status_code == 200
    assert analysis.told == {"eye": EyeSide.RIGHT, "mirrored": True, "overlays": True}
    assert asyncio.run(post(PICTURE, previews="none")).status_code == 200
    assert analysis.told == {"eye": None, "mirrored": None, "overlays": False}


@pytest.mark.parametrize("query", [{"eye": "left"}, {"mirrored": "maybe"}, {"previews": "gif"}])
def test_what_is_said_wrongly_or_two_ways_is_refused_and_nothing_is_computed(
    context: ApiContext, post: Post, analysis: Analysis, query: dict[str, str]
) -> None:
    assert code_of(asyncio.run(post('{"image": "AAAA", "eye": "right"}', **query))) == "invalid_payload"
    assert analysis.analysed == []
    assert_idle(context)


@pytest.mark.parametrize(
    ("body", "code"), [("broken", "invalid_json"), ("x" * (MEGABYTE + 1), "body_too_large")], ids=["broken", "large"]
)
def test_what_is_wrong_is_said_and_nothing_is_kept(context: ApiContext, post: Post, body: str, code: str) -> None:
    assert code_of(asyncio.run(post(body))) == code
    assert_idle(context)


def test_who_waits_for_a_turn_until_it_is_too_late_is_not_analysed(
    context: ApiContext, post: Post, analysis: Analysis, lifecycle: Lifecycle
) -> None:
    async def scene() -> None:
        async with context.admission.line.turn(StageTimes()):
            assert code_of(await post(PICTURE)) == "timed_out"
            await until(lambda: lifecycle.in_flight == 0)

    asyncio.run(scene())
    assert analysis.analysed == []
    assert_idle(context)


def test_work_past_the_deadline_ends_with_the_step_that_runs(
    context: ApiContext, post: Post, analysis: Analysis, lifecycle: Lifecycle
) -> None:
    analysis.may_go_on.clear()

    async def scene() -> None:
        assert code_of(await post(padded(MEGABYTE))) == "timed_out"
        assert analysis.is_held.is_set()
        # The thread has not let go yet: place, memory and turn are still taken.
        assert lifecycle.in_flight == 1
        with pytest.raises(Busy):
            lifecycle.work(MEGABYTE + 1).__enter__()
        waiting = asyncio.ensure_future(post(PICTURE))
        await until(lambda: context.admission.line.waiting == 1)
        analysis.may_go_on.set()
        assert (await waiting).status_code == 200
        await until(lambda: lifecycle.in_flight == 0)

    asyncio.run(scene())
    assert len(analysis.analysed) == 2
    assert_idle(context)


def test_one_body_more_than_the_memory_allows_is_refused_and_room_comes_back(
    context: ApiContext, post: Post, analysis: Analysis, lifecycle: Lifecycle
) -> None:
    analysis.may_go_on.clear()

    async def scene() -> None:
        first = [asyncio.ensure_future(post(padded(MEGABYTE))) for _ in range(2)]
        await until(lambda: lifecycle.in_flight == 2)
        assert code_of(await post(PICTURE)) == "busy"
        analysis.may_go_on.set()
        assert [answer.status_code for answer in await asyncio.gather(*first)] == [200, 200]
        assert (await post(padded(MEGABYTE))).status_code == 200

    asyncio.run(scene())
    assert_idle(context)


def test_an_answer_that_cannot_be_rendered_leaves_nothing_behind(
    context: ApiContext, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(context, "envelope", lambda status, *rest: fail() if status == 200 else pytest.fail(str(rest)))
    assert code_of(asyncio.run(post(PICTURE))) == "internal_error"
    assert_idle(context)
