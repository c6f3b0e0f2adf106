"""Every crop gets its own answer, whoever waits beside it and whatever becomes of the others."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import pytest

from src.core.stage_times import Stage, StageTimes
from src.core.types import EyePrediction, RgbImage
from src.services import crop_queue as crop_queue_module
from src.services.classifier import EyeClassifier
from src.services.crop_queue import CropQueue
from src.utils.preprocessing import to_network_input

SECONDS_BEFORE_A_TEST_GIVES_UP = 30
BROKEN = 255


def crop(number: int) -> RgbImage:
    """Shows its own number, up to 65535."""
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0, :2] = divmod(number, 256)
    return pixels


def number_on(pixels: RgbImage) -> int:
    return int(pixels[0, 0, 0]) * 256 + int(pixels[0, 0, 1])


def crops(*numbers: int) -> list[RgbImage]:
    return [crop(number) for number in numbers]


def answers(predictions: Sequence[EyePrediction]) -> list[float]:
    return [float(prediction.probabilities[0]) for prediction in predictions]


class Network:
    """Reads the numbers off the crops; one that is BROKEN breaks its pass. It can be held, and remembers its passes."""

    def __init__(self) -> None:
        self.passes: list[list[int]] = []
        self.is_held = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def classify(self, pictures: Sequence[RgbImage]) -> list[EyePrediction]:
        numbers = [number_on(pixels) for pixels in pictures]
        self.passes.append(numbers)
        self.is_held.set()
        assert self.may_go_on.wait(SECONDS_BEFORE_A_TEST_GIVES_UP)
        if BROKEN in numbers:
            raise ZeroDivisionError
        return [EyePrediction(np.array([number], np.float32), ()) for number in numbers]

    async def hold(self, queue: CropQueue) -> asyncio.Task[list[EyePrediction]]:
        """Sends the crop 0 on its way and keeps its pass from ending, so that who comes now has to wait."""
        self.may_go_on.clear()
        task = await asked(queue, 0)
        assert await asyncio.to_thread(self.is_held.wait, SECONDS_BEFORE_A_TEST_GIVES_UP)
        return task

    async def answers_after_a_jam(self, queue: CropQueue, *shares: Iterable[int]) -> list[Any]:
        """What the held caller and one for each share get, or the errors that they get, all having waited together."""
        held = await self.hold(queue)
        callers = [await asked(queue, *share) for share in shares]
        self.may_go_on.set()
        outcomes = await asyncio.gather(held, *callers, return_exceptions=True)
        return [outcome if isinstance(outcome, BaseException) else answers(outcome) for outcome in outcomes]


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


BuildQueue = Callable[..., CropQueue]


@pytest.fixture
def build_queue(network: Network, executor: ThreadPoolExecutor) -> BuildQueue:
    def build(eyes_per_pass: int = 1, passes_at_once: int = 1, **others: Any) -> CropQueue:
        classify = others.pop("classify", network.classify)
        return CropQueue(classify, executor, eyes_per_pass=eyes_per_pass, passes_at_once=passes_at_once, **others)

    return build


def finish(scene: Coroutine[Any, Any, Any]) -> Any:
    """Plays the scene; one in which somebody waits forever fails."""
    return asyncio.run(asyncio.wait_for(scene, SECONDS_BEFORE_A_TEST_GIVES_UP))


Caller: TypeAlias = "asyncio.Task[list[EyePrediction]]"


async def asked(queue: CropQueue, *numbers: int, times: StageTimes | None = None) -> Caller:
    """A caller whose crops are in the queue."""
    caller = asyncio.create_task(queue.classify(crops(*numbers), times or StageTimes()))
    # Its first step, up to where it has to wait.
    await asyncio.sleep(0)
    return caller


class TestOrder:
    def test_no_crops_have_no_predictions_and_cost_no_pass(self, build_queue: BuildQueue, network: Network) -> None:
        assert finish(build_queue().classify([], StageTimes())) == []
        assert network.passes == []

    @pytest.mark.parametrize(("eyes_per_pass", "passes_at_once"), [(1, 1), (4, 3), (16, 3)])
    def test_five_hundred_crops_of_twenty_callers_each_get_their_own_answer(
        self, build_queue: BuildQueue, eyes_per_pass: int, passes_at_once: int
    ) -> None:
        queue = build_queue(eyes_per_pass, passes_at_once)
        dice = np.random.default_rng(7)
        numbers = dice.choice(np.arange(256, 65536), 500, replace=False)
        cuts = np.sort(dice.choice(np.arange(1, 500), 19, replace=False))
        shares = [share.tolist() for share in np.split(numbers, cuts)]

        async def caller(share: list[int]) -> list[float]:
            await asyncio.sleep(dice.random() / 100)
            return answers(await queue.classify(crops(*share), StageTimes()))

        async def scene() -> list[list[float]]:
            return await asyncio.gather(*(caller(share) for share in shares))

        assert finish(scene()) == shares

    def test_callers_may_have_event_loops_of_their_own(self, build_queue: BuildQueue) -> None:
        queue = build_queue(eyes_per_pass=4)

        def caller(first: int) -> list[float]:
            return answers(finish(queue.classify(crops(*range(first, first + 25)), StageTimes())))

        with ThreadPoolExecutor(4) as callers:
            for first, got in zip(range(0, 200, 25), callers.map(caller, range(0, 200, 25)), strict=True):
                assert got == list(range(first, first + 25))


class TestPasses:
    @pytest.mark.parametrize("eyes_per_pass", [1, 2, 3, 16])
    def test_a_pass_takes_as_many_eyes_as_wait_and_fit(
        self, build_queue: BuildQueue, network: Network, eyes_per_pass: int
    ) -> None:
        announced: list[int] = []
        queue = build_queue(eyes_per_pass, on_pass=announced.append)
        finish(network.answers_after_a_jam(queue, [1, 2, 3], [4, 5, 6], [7, 8]))
        full, rest = divmod(8, eyes_per_pass)
        assert announced == [1] + [eyes_per_pass] * full + [rest] * (rest > 0)
        assert announced == [len(taken) for taken in network.passes]
        assert [number for taken in network.passes for number in taken] == list(range(9))

    def test_requests_that_come_while_a_pass_is_slow_share_the_next(
        self, build_queue: BuildQueue, network: Network
    ) -> None:
        got = finish(network.answers_after_a_jam(build_queue(eyes_per_pass=16), [10, 11], [20, 21], [30, 31]))
        assert got == [[0], [10, 11], [20, 21], [30, 31]]
        assert network.passes == [[0], [10, 11, 20, 21, 30, 31]]

    def test_a_pass_does_not_wait_to_be_filled(self, build_queue: BuildQueue, network: Network) -> None:
        queue = build_queue(eyes_per_pass=16)
        for number in (1, 2):
            finish(queue.classify(crops(number), StageTimes()))
        assert network.passes == [[1], [2]]

    @pytest.mark.parametrize("passes_at_once", [1, 2, 3])
    def test_as_many_run_side_by_side_as_may_and_no_more(self, build_queue: BuildQueue, passes_at_once: int) -> None:
        lock, running, most = threading.Lock(), 0, 0
        together = threading.Barrier(passes_at_once, timeout=SECONDS_BEFORE_A_TEST_GIVES_UP)

        def classify(pictures: Sequence[RgbImage]) -> list[EyePrediction]:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            # Ends only if that many are here at the same time.
            together.wait()
            with lock:
                running -= 1
            return [EyePrediction(np.zeros(1, np.float32), ()) for _ in pictures]

        queue = build_queue(passes_at_once=passes_at_once, classify=classify)
        finish(queue.classify(crops(*range(4 * passes_at_once)), StageTimes()))
        assert most == passes_at_once


class TestErrors:
    def test_what_breaks_a_pass_reaches_those_who_had_crops_in_it_and_nobody_else(
        self, build_queue: BuildQueue, network: Network
    ) -> None:
        # The passes will be [1, BROKEN], [2, 3], [4, 5].
        scene = network.answers_after_a_jam(build_queue(eyes_per_pass=2), [1], [BROKEN], [2, 3, 4], [5])
        held, first, second, third, fourth = finish(scene)
        assert isinstance(first, ZeroDivisionError)
        assert isinstance(second, ZeroDivisionError)
        assert [held, third, fourth] == [[0], [2, 3, 4], [5]]

    def test_the_queue_goes_on_after_errors(self, build_queue: BuildQueue) -> None:
        queue = build_queue(passes_at_once=2)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                finish(queue.classify(crops(1, BROKEN, 2, BROKEN), StageTimes()))
        assert answers(finish(queue.classify(crops(1, 2), StageTimes()))) == [1, 2]

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"classify": lambda _crops: [], "eyes_per_pass": 4}, ValueError),
            ({"on_pass": lambda eyes: divmod(eyes, 0)}, ZeroDivisionError),
        ],
        ids=["a prediction too few", "an announcement that fails"],
    )
    def test_what_is_amiss_is_an_error_and_nobody_waits_forever(
        self, build_queue: BuildQueue, options: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error, match=r"zip|zero"):
            finish(build_queue(**options).classify(crops(1, 2), StageTimes()))


class TestCancelling:
    def test_crops_of_a_caller_that_is_gone_are_dropped(self, build_queue: BuildQueue, network: Network) -> None:
        queue = build_queue(eyes_per_pass=2)

        async def scene() -> list[float]:
            held = await network.hold(queue)
            gone = await asked(queue, 1, 2, 3)
            stays = await asked(queue, 4, 5)
            gone.cancel()
            await asyncio.wait([gone])
            assert gone.cancelled()
            network.may_go_on.set()
            await held
            return answers(await stays)

        assert finish(scene()) == [4, 5]
        assert network.passes == [[0], [4, 5]]

    def test_crops_that_were_dropped_take_no_memory(self, build_queue: BuildQueue, network: Network) -> None:
        queue = build_queue()

        async def scene() -> None:
            held = await network.hold(queue)
            (pixels,) = crops(1)
            watched = weakref.ref(pixels)
            gone = asyncio.create_task(queue.classify([pixels], StageTimes()))
            del pixels
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.wait([gone])
            del gone
            gc.collect()
            assert watched() is None
            network.may_go_on.set()
            await held

        finish(scene())

    def test_if_one_crop_breaks_its_pass_the_others_of_its_request_are_dropped(
        self, build_queue: BuildQueue, network: Network
    ) -> None:
        caller_has_heard = threading.Event()

        def classify(pictures: Sequence[RgbImage]) -> list[EyePrediction]:
            if number_on(pictures[0]) in range(1, 30):
                assert caller_has_heard.wait(SECONDS_BEFORE_A_TEST_GIVES_UP)
            return network.classify(pictures)

        queue = build_queue(classify=classify)

        async def scene() -> list[float]:
            broken = await asked(queue, BROKEN, *range(1, 30))
            other = await asked(queue, 40, 41)
            with pytest.raises(ZeroDivisionError):
                await broken
            caller_has_heard.set()
            return answers(await other)

        assert finish(scene()) == [40, 41]
        others = [taken for taken in network.passes if taken[0] in range(1, 30)]
        # Before the caller has heard of it, another one may have been taken.
        assert len(others) <= 1
        assert [taken for taken in network.passes if taken not in others] == [[BROKEN], [40], [41]]

    def test_if_all_are_gone_the_queue_is_ready_for_the_next(self, build_queue: BuildQueue, network: Network) -> None:
        queue = build_queue()

        async def scene() -> list[float]:
            held = await network.hold(queue)
            gone = await asked(queue, 1, 2, 3)
            for task in (gone, held):
                task.cancel()
            await asyncio.wait([gone, held])
            network.may_go_on.set()
            return answers(await queue.classify(crops(7), StageTimes()))

        assert finish(scene()) == [7]
        assert network.passes == [[0], [7]]


def test_each_crops_share_of_its_pass_is_added_to_its_requests_times(
    build_queue: BuildQueue, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([0.0, 1.0, 10.0, 12.0])
    monkeypatch.setattr(crop_queue_module, "time", SimpleNamespace(perf_counter=lambda: next(looks)))
    queue = build_queue(eyes_per_pass=4)
    three, one = StageTimes(), StageTimes()

    async def scene() -> None:
        held = await network.hold(queue)
        callers = [await asked(queue, 1, 2, 3, times=three), await asked(queue, 4, times=one)]
        network.may_go_on.set()
        await asyncio.gather(held, *callers)

    finish(scene())
    assert three.seconds() == {Stage.INFER: 1.5}
    assert one.seconds() == {Stage.INFER: 0.5}


def test_thirty_two_requests_to_the_shipped_model_get_what_each_gets_alone(
    build_queue: BuildQueue, classifier: EyeClassifier
) -> None:
    """At the queue's default on a CPU, one eye per pass, company changes not a single bit."""

    def bytes_of(prediction: EyePrediction) -> tuple[Any, ...]:
        heatmaps = tuple(heatmap is None or heatmap.tobytes() for heatmap in prediction.heatmaps)
        return prediction.probabilities.tobytes(), heatmaps, prediction.unfamiliarity

    # Smooth random pictures: noise alone looks all the same to a network.
    dice = np.random.default_rng(5)
    pictures = [to_network_input(dice.integers(0, 256, (5, 5, 3), dtype=np.uint8), 224) for _ in range(32)]
    alone = [bytes_of(classifier.classify([pixels])[0]) for pixels in pictures]
    queue = build_queue(eyes_per_pass=1, passes_at_once=4, classify=classifier.classify)

    async def scene() -> list[list[EyePrediction]]:
        return await asyncio.gather(*(queue.classify([pixels], StageTimes()) for pixels in pictures))

    assert [bytes_of(got) for (got,) in finish(scene())] == alone
    assert len(set(alone)) == 32


def test_callers_that_wait_when_the_threads_are_taken_away_are_told(network: Network) -> None:
    async def closing() -> list[object]:
        threads = ThreadPoolExecutor(1)
        queue = CropQueue(network.classify, threads, eyes_per_pass=1, passes_at_once=1)
        first = await network.hold(queue)
        second = await asked(queue, 1)
        threads.shutdown(wait=False)
        network.may_go_on.set()
        return list(await asyncio.gather(first, second, return_exceptions=True))

    first, second = finish(closing())
    assert isinstance(first, list)
    assert isinstance(second, RuntimeError)
