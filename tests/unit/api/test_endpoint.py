"""Whatever happens inside a handler, there is one answer of our shape, one log line without private data, one count."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from robyn import Response

from src.api.access import Access
from src.api.answers import HttpAnswer, legacy_envelope, plain_envelope
from src.api.context import ApiContext
from src.api.endpoint import Handler, Route, endpoint
from src.config.settings import load_settings
from src.core.errors import Busy, NotAPicture
from src.core.stage_times import Stage, StageTimes
from tests.unit.api.conftest import header, request_of

ORIGIN = "http://localhost:5173"


async def fine(_request: Any, _times: StageTimes) -> HttpAnswer:
    return HttpAnswer(200, b'{"fine": true}', {"Content-Type": "application/json"})


async def busy(_request: Any, _times: StageTimes) -> HttpAnswer:
    raise Busy


async def refused(_request: Any, _times: StageTimes) -> HttpAnswer:
    raise NotAPicture("the picture is damaged")


async def broken(_request: Any, _times: StageTimes) -> HttpAnswer:
    raise RuntimeError("a secret of the machine room")


async def fine_in_stages(_request: Any, times: StageTimes) -> HttpAnswer:
    times.add(Stage.DECODE, 0.25)
    times.add(Stage.INFER, 0.5)
    return HttpAnswer(200, b"{}")


async def refused_in_a_stage(_request: Any, times: StageTimes) -> HttpAnswer:
    with times.measure(Stage.DECODE):
        raise NotAPicture("the picture is damaged")


def answer_of(
    context: ApiContext, handler: Handler, *, legacy: bool = False, log_level: int = logging.INFO, **headers: str
) -> Response:
    envelope = legacy_envelope if legacy else plain_envelope
    route = Route("/smith.jpg", {}, Access.OPEN, counted_as="/counted", envelope=envelope, log_level=log_level)
    return asyncio.run(endpoint(context, handler, route)(request_of("private body", **headers)))


def test_a_good_answer_goes_out_as_it_is(context: ApiContext) -> None:
    response = answer_of(context, fine)
    assert response.status_code == 200
    assert json.loads(response.description) == {"fine": True}
    assert response.headers.get("Content-Type") == "application/json"


def test_a_known_error_is_answered_with_its_status_its_sentence_and_its_headers(context: ApiContext) -> None:
    response = answer_of(context, refused)
    assert response.status_code == 400
    assert json.loads(response.description)["message"] == "image: the picture is damaged"
    assert int(header(answer_of(context, busy), "Retry-After")) > 0


async def greedy(_request: Any, _times: StageTimes) -> HttpAnswer:
    raise MemoryError


async def greedy_in_a_library(_request: Any, _times: StageTimes) -> HttpAnswer:
    try:
        raise MemoryError
    except MemoryError:
        raise NotAPicture from None


@pytest.mark.parametrize("handler", [greedy, greedy_in_a_library])
def test_when_memory_runs_out_another_process_has_to_go_on(
    context: ApiContext, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    assert not context.lost.is_set()
    response = answer_of(context, handler)
    assert response.status_code == 503
    assert json.loads(response.description)["body"]["code"] == "draining"
    assert int(header(response, "Retry-After")) > 0
    assert context.lost.is_set()
    assert "failed: memory ran out" in caplog.text


def test_also_where_there_is_none_for_the_answer(context: ApiContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(context.metrics, "observe_request", none_left)
    with pytest.raises(MemoryError):
        answer_of(context, fine)
    assert context.lost.is_set()


def test_a_bug_of_ours_is_logged_and_not_told(context: ApiContext, caplog: pytest.LogCaptureFixture) -> None:
    response = answer_of(context, broken)
    assert response.status_code == 500
    assert json.loads(response.description)["body"]["code"] == "internal_error"
    assert "secret" not in str(response.description)
    assert "a secret of the machine room" in caplog.text


def test_an_error_in_the_old_envelope_is_http_200(context: ApiContext) -> None:
    response = answer_of(context, refused, legacy=True)
    assert response.status_code == 200
    assert json.loads(response.description)["status_code"] == 400


@pytest.mark.parametrize("handler", [fine, refused, busy, broken])
def test_every_answer_tells_an_allowed_page_that_it_may_read_it(context: ApiContext, handler: Handler) -> None:
    headers = answer_of(context, handler, origin=ORIGIN).headers
    assert headers.get("Access-Control-Allow-Origin") == ORIGIN
    assert headers.get("Vary") == "Origin"


def test_a_clients_own_request_id_is_kept(context: ApiContext) -> None:
    assert header(answer_of(context, fine, x_request_id="order-7_b.2"), "X-Request-ID") == "order-7_b.2"


@pytest.mark.parametrize("sent", ["", "with space", "line\nbreak", "a" * 65, "ä", "status=200"])
def test_an_id_that_could_break_a_log_line_is_replaced(context: ApiContext, sent: str) -> None:
    given = header(answer_of(context, fine, x_request_id=sent), "X-Request-ID")
    assert given != sent
    assert len(given) == 32


def test_every_request_has_an_id_of_its_own(context: ApiContext) -> None:
    assert len({header(answer_of(context, fine), "X-Request-ID") for _ in range(3)}) == 3


TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_valid_traceparent_comes_back_and_its_id_stands_in_the_log(
    context: ApiContext, caplog: pytest.LogCaptureFixture
) -> None:
    """https://www.w3.org/TR/trace-context/#traceparent-header."""
    sent = f"00-{TRACE}-b7ad6b7169203331-01"
    assert header(answer_of(context, fine, traceparent=sent), "traceparent") == sent
    assert f" trace={TRACE}" in logged(caplog, context, fine, traceparent=sent)
    for wrong in ("", sent.upper(), sent[:-1], f"{sent}-1", f"01-{sent[3:]}", f"00-{'0' * 32}-b7ad6b7169203331-01",
                  f"00-{TRACE}-{'0' * 16}-01", f"{sent} status=500"):  # fmt: skip
        assert answer_of(context, fine, traceparent=wrong).headers.get("traceparent") is None
        assert "trace=" not in logged(caplog, context, fine, traceparent=wrong)


def logged(
    caplog: pytest.LogCaptureFixture,
    context: ApiContext,
    handler: Handler,
    level: int = logging.INFO,
    traceparent: str = "",
) -> str:
    """The one line that a request leaves in the log."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="eyenet.request"):
        answer_of(context, handler, log_level=level, x_request_id="order-7", traceparent=traceparent)
    assert [record.levelno for record in caplog.records] == [level]
    return caplog.records[0].getMessage()


@pytest.mark.parametrize(("handler", "status", "code"), [(fine, 200, "-"), (refused, 400, "not_a_picture")])
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_a_request_leaves_one_line_in_the_log_as_loud_as_the_route_says_and_without_private_data(
    context: ApiContext, caplog: pytest.LogCaptureFixture, handler: Handler, status: int, code: str, level: int
) -> None:
    line = logged(caplog, context, handler, level)
    assert line.startswith(f"id=order-7 method=POST path=/counted status={status} code={code} ms=")
    assert "private body" not in line
    # The path is text of users.
    assert "smith" not in line


def test_the_line_has_the_milliseconds_of_each_stage(context: ApiContext, caplog: pytest.LogCaptureFixture) -> None:
    assert logged(caplog, context, fine_in_stages).endswith(" bytes_out=2 decode_ms=250.0 infer_ms=500.0")


def test_an_answer_says_where_its_time_went(context: ApiContext) -> None:
    timing = header(answer_of(context, fine_in_stages), "Server-Timing")
    assert timing.startswith("decode;dur=250.0, infer;dur=500.0, total;dur=")


@pytest.mark.parametrize("legacy", [False, True])
def test_an_error_says_how_far_it_came(context: ApiContext, legacy: bool) -> None:
    timing = header(answer_of(context, refused_in_a_stage, legacy=legacy), "Server-Timing")
    assert [entry.split(";")[0] for entry in timing.split(", ")] == ["decode", "total"]


@pytest.mark.parametrize("handler", [fine, refused, broken])
def test_what_has_no_stages_has_no_times_to_tell(context: ApiContext, handler: Handler) -> None:
    assert header(answer_of(context, handler), "Server-Timing") == ""


def counted(context: ApiContext, name: str) -> dict[tuple[str, ...], float]:
    """Values of one metric by the values of its labels, in the order of the labels' names."""
    families = text_string_to_metric_families(context.metrics.page().decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in samples}


def test_every_request_is_counted_under_its_route_and_code_in_either_envelope(context: ApiContext) -> None:
    for handler in (fine, fine, refused, busy, broken):
        answer_of(context, handler)
    answer_of(context, refused, legacy=True)
    assert counted(context, "eyenet_requests_total") == {
        ("-", "POST", "/counted", "200"): 2,
        ("not_a_picture", "POST", "/counted", "400"): 2,
        ("busy", "POST", "/counted", "503"): 1,
        ("internal_error", "POST", "/counted", "500"): 1,
    }


def test_its_stages_are_counted_whatever_came_of_it(context: ApiContext) -> None:
    answer_of(context, fine_in_stages)
    answer_of(context, refused_in_a_stage)
    assert counted(context, "eyenet_stage_duration_seconds_count") == {
        ("/counted", "decode"): 2,
        ("/counted", "infer"): 1,
    }


def test_a_guarded_route_asks_for_a_key_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "0123456789abcdef")
    context = ApiContext(load_settings(env_file=None))
    called: list[str] = []

    async def handler(request: Any, times: StageTimes) -> HttpAnswer:
        called.append("handler")
        return await fine(request, times)

    answer = endpoint(context, handler, Route("/predict", {}, Access.GUARDED))
    assert asyncio.run(answer(request_of())).status_code == 401
    assert called == []
    assert asyncio.run(answer(request_of(x_api_key="0123456789abcdef"))).status_code == 200


def test_what_takes_too_long_is_answered_all_the_same(context: ApiContext) -> None:
    async def slow(_request: Any, _times: StageTimes) -> HttpAnswer:
        await asyncio.sleep(60)
        raise AssertionError

    answer = asyncio.run(endpoint(context, slow, Route("/predict", {}, Access.OPEN, timeout_s=0.01))(request_of()))
    assert (answer.status_code, json.loads(answer.description)["body"]["code"]) == (503, "timed_out")


def test_a_stage_of_no_time_was_reached_all_the_same(context: ApiContext) -> None:
    async def in_no_time(request: Any, times: StageTimes) -> HttpAnswer:
        times.add(Stage.QUEUE, 0.0)
        return await fine(request, times)

    assert header(answer_of(context, in_no_time), "Server-Timing").startswith("queue;dur=0.0, total;dur=")
