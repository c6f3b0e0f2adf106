"""All services are built in their order, answer, say how they are, and are taken down again."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.config.settings import Settings
from src.core.errors import PictureTooLarge, StartupError, TooManyPixels
from src.core.types import AnalysisReport, EyeReport, EyeSide, Frame, RgbImage
from src.services.analysis import Pictures
from src.services.eye_locator import EyeLocator
from src.services.startup import Services, load_services, prepare_process, start_services
from src.services.tensorflow_runtime import tf
from src.utils.png_writer import encode_png

MakeSettings = Callable[..., Settings]


@pytest.fixture(scope="module")
def make_settings(settings: Settings, small_model: Any, tmp_path_factory: pytest.TempPathFactory) -> MakeSettings:
    """A small model in the place of the real one; everything else as it is."""
    folder = tmp_path_factory.mktemp("startup")
    small_model.save(folder / "model.h5", save_format="h5", include_optimizer=False)
    usual = {
        "model_path": folder / "model.h5",
        "grad_cam_layer": "coarse",
        "temp_images_dir": folder / "frames",
        "saved_eyes_dir": folder / "eyes",
        "worker_threads": 2,
    }
    return lambda **changes: settings.model_copy(update=usual | changes)


@pytest.fixture(scope="module")
def passes() -> list[int]:
    """The passes of `usual`, each by its number of eyes."""
    return []


@pytest.fixture(scope="module")
def usual(make_settings: MakeSettings, passes: list[int]) -> Iterator[Services]:
    services = load_services(make_settings(), passes.append)
    assert passes == []
    yield services
    services.close()


def test_a_prevalence_of_other_classes_stops_the_start(make_settings: MakeSettings) -> None:
    count = len(make_settings().classes)
    with pytest.raises(StartupError, match=f"PREVALENCE is wrong: it has 2 shares, CLASSES names {count} classes"):
        load_services(make_settings(prevalence=(0.5, 0.5)))


@pytest.fixture
def unsettled_process() -> Iterator[None]:
    """One in which nothing of what `start_services` sets is set, which it is not afterwards either."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(2)
    gc.unfreeze()
    tf.config.optimizer.set_experimental_options({"constant_folding": True})
    yield
    cv2.setNumThreads(threads)
    gc.unfreeze()


def process_state() -> tuple[bool, bool, bool]:
    """Whether objects are frozen, OpenCV has one thread, and TensorFlow looks for constants."""
    folding = tf.config.optimizer.get_experimental_options()["constant_folding"]
    return gc.get_freeze_count() > 0, cv2.getNumThreads() == 1, folding


async def analysed(services: Services, pictures: Pictures) -> AnalysisReport:
    return await services.analysis.analyse_frames(pictures, asyncio.Semaphore(services.frames_at_once))


def analyse(services: Services, picture: RgbImage) -> dict[EyeSide, EyeReport]:
    pictures = services.analysis.read_headers([Frame(0, encode_png(picture))])
    return asyncio.run(analysed(services, pictures)).eyes


class TestLoading:
    def test_the_services_answer_and_announce_each_pass(
        self, usual: Services, passes: list[int], face: RgbImage
    ) -> None:
        passes.clear()
        assert analyse(usual, face).keys() == {EyeSide.LEFT, EyeSide.RIGHT}
        assert sum(passes) == 2
        assert usual.model.grad_cam_layer == "coarse"
        assert usual.problems() == []

    def test_every_setting_reaches_its_service(
        self, make_settings: MakeSettings, usual: Services, face: RgbImage, tmp_path: Path
    ) -> None:
        changed = make_settings(
            mirrored_input=True,
            max_image_pixels=640 * 640,
            max_request_pixels=640 * 640 + 1,
            inference_batch_size=3,
            save_temp_images=True,
            temp_images_dir=tmp_path / "frames",
            save_eyes=True,
            saved_eyes_dir=tmp_path / "eyes",
        )
        services = load_services(changed)
        # Nothing is saved by starting.
        assert [file for folder in tmp_path.iterdir() for file in folder.iterdir()] == []
        eyes, usual_eyes = analyse(services, face), analyse(usual, face)
        for side in (EyeSide.LEFT, EyeSide.RIGHT):
            assert eyes[side].preview.tobytes() == usual_eyes[side.opposite].preview.tobytes()
        too_large = Frame(0, encode_png(np.zeros((640, 641, 3), np.uint8)))
        (failure,) = services.analysis.read_headers([too_large]).failures
        assert isinstance(failure.error, PictureTooLarge)
        assert "641x640" in str(failure.error)
        with pytest.raises(TooManyPixels, match="409,601"):
            services.analysis.read_headers([Frame(place, encode_png(face)) for place in range(2)])
        services.close()
        assert len(list((tmp_path / "frames").iterdir())) == 1
        assert len(list((tmp_path / "eyes").iterdir())) == 2
        # A turn for each worker twice, and for one pass to come.
        assert services.workers.count == 2
        assert services.requests_at_once == 2 * 2 + 3
        assert services.frames_at_once == 2

    @pytest.mark.usefixtures("unsettled_process")
    def test_every_worker_has_its_own_detector_and_the_process_is_as_before_and_after(
        self, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prepared: list[str] = []
        prepare = EyeLocator.prepare_thread

        def prepare_and_tell(locator: EyeLocator) -> None:
            prepare(locator)
            prepared.append(threading.current_thread().name)

        monkeypatch.setattr(EyeLocator, "prepare_thread", prepare_and_tell)
        before, state = set(threading.enumerate()), process_state()
        services = load_services(make_settings())
        assert process_state() == state
        assert len(prepared) == len(set(prepared)) == 2
        assert all(name.startswith("worker") for name in prepared)
        services.close()
        assert services.problems() == ["the worker threads are closed", "the image-store threads are closed"]
        left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]
        assert [name for name in left if name.startswith(("worker", "image-store"))] == []


@pytest.mark.usefixtures("unsettled_process")
class TestStarting:
    """What is set for a whole process is set once, by who starts services and not by who loads them."""

    def test_the_process_is_set_up_and_pictures_are_kept_only_if_they_are_to_be(
        self, make_settings: MakeSettings, face: RgbImage, tmp_path: Path
    ) -> None:
        saving = make_settings(save_temp_images=True, temp_images_dir=tmp_path, saved_eyes_dir=tmp_path)
        services = start_services(saving, keeps_pictures=False)
        has_gpu = bool(tf.config.list_physical_devices("GPU"))
        assert process_state() == (True, True, has_gpu)
        assert analyse(services, face).keys() == {EyeSide.LEFT, EyeSide.RIGHT}
        services.close()
        assert list(tmp_path.iterdir()) == []

    def test_preparing_the_process_again_does_no_harm(self, make_settings: MakeSettings) -> None:
        for _ in range(2):
            prepare_process(make_settings())
        assert cv2.getNumThreads() == 1
        assert int(tf.constant(2) + 2) == 4

    def test_after_a_start_that_fails_garbage_is_collected(self, make_settings: MakeSettings) -> None:
        with pytest.raises(StartupError):
            start_services(make_settings(grad_cam_layer="absent"))
        assert gc.isenabled()
        assert gc.get_freeze_count() == 0
