"""All services are built in their order, answer, and are taken down again."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.config.settings import load_settings
from src.core.errors import StartupError
from src.core.types import EyeSide, Frame, RgbImage
from src.services.face_detection import FaceDetector
from src.services.startup import load_services
from src.utils.image_codec import encode_png

SaveModel = Callable[[Any], Path]


@pytest.fixture
def small_settings(monkeypatch: pytest.MonkeyPatch, save_model: SaveModel, small_model: Any, tmp_path: Path) -> None:
    """A small model in the place of the real one; everything else as it is."""
    monkeypatch.setenv("MODEL_PATH", str(save_model(small_model)))
    monkeypatch.setenv("GRAD_CAM_LAYER", "coarse")
    monkeypatch.setenv("TEMP_IMAGES_DIR", str(tmp_path / "frames"))
    monkeypatch.setenv("SAVED_EYES_DIR", str(tmp_path / "eyes"))
    monkeypatch.setenv("WORKER_THREADS", "2")


@pytest.mark.usefixtures("small_settings")
class TestStartup:
    def test_the_services_answer_and_leave_no_worker_behind(self, face: RgbImage) -> None:
        before = set(threading.enumerate())
        services = load_services(load_settings(env_file=None))
        frame = Frame(0, encode_png(face))
        report = asyncio.run(services.analysis.analyse_frames([frame]))
        assert report.eyes.keys() == set(EyeSide)
        assert services.model.grad_cam_layer == "coarse"
        services.close()
        left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]
        assert [name for name in left if name.startswith(("worker", "image-store"))] == []

    def test_every_worker_has_its_own_detector_before_the_first_request_comes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prepared: list[str] = []
        prepare = FaceDetector.prepare_thread

        def prepare_and_tell(detector: FaceDetector) -> None:
            prepare(detector)
            prepared.append(threading.current_thread().name)

        monkeypatch.setattr(FaceDetector, "prepare_thread", prepare_and_tell)
        load_services(load_settings(env_file=None)).close()
        assert len(prepared) == len(set(prepared)) == 2
        assert all(name.startswith("worker") for name in prepared)

    def test_each_pass_of_a_request_is_announced(self, face: RgbImage) -> None:
        passes: list[int] = []
        services = load_services(load_settings(env_file=None), passes.append)
        assert passes == []
        frame = Frame(0, encode_png(face))
        asyncio.run(services.analysis.analyse_frames([frame]))
        services.close()
        assert sum(passes) == 2

    def test_there_are_turns_for_all_workers_twice_and_one_pass_to_come(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INFERENCE_BATCH_SIZE", "3")
        services = load_services(load_settings(env_file=None))
        services.close()
        assert services.workers.count == 2
        assert services.requests_at_once == 7

    def test_nothing_is_saved_by_starting(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SAVE_TEMP_IMAGES", "true")
        monkeypatch.setenv("SAVE_EYES", "true")
        load_services(load_settings(env_file=None)).close()
        folders = [tmp_path / "frames", tmp_path / "eyes"]
        assert [file for folder in folders if folder.exists() for file in folder.iterdir()] == []

    @pytest.mark.parametrize("fits", [True, False])
    def test_memory_is_looked_through_again_after_the_start(self, monkeypatch: pytest.MonkeyPatch, fits: bool) -> None:
        if fits:
            load_services(load_settings(env_file=None)).close()
        else:
            monkeypatch.setenv("GRAD_CAM_LAYER", "absent")
            with pytest.raises(StartupError):
                load_services(load_settings(env_file=None))
        assert gc.isenabled()

    def test_mirrored_input_reaches_the_detector(self, face: RgbImage, monkeypatch: pytest.MonkeyPatch) -> None:
        frame = Frame(0, encode_png(face))
        scores = []
        for mirrored in ("false", "true"):
            monkeypatch.setenv("MIRRORED_INPUT", mirrored)
            services = load_services(load_settings(env_file=None))
            scores.append(asyncio.run(services.analysis.analyse_frames([frame])).eyes)
            services.close()
        usual, swapped = scores
        for side in EyeSide:
            assert usual[side].preview.tobytes() == swapped[side.opposite].preview.tobytes()

    def test_the_pixel_limit_reaches_the_codec(self, face: RgbImage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MAX_IMAGE_PIXELS", "10000")
        services = load_services(load_settings(env_file=None))
        frame = Frame(0, encode_png(face))
        with pytest.raises(Exception, match="640x640") as refusal:
            asyncio.run(services.analysis.analyse_upload(frame))
        services.close()
        assert refusal.typename == "PictureTooLarge"

    @pytest.mark.parametrize(
        ("name", "value"), [("MODEL_PATH", "absent.h5"), ("CLASSES", "One,Two"), ("GRAD_CAM_LAYER", "absent")]
    )
    def test_what_does_not_fit_stops_the_start_with_a_sentence_that_names_the_variable(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(StartupError, match=f"^{name} is wrong"):
            load_services(load_settings(env_file=None))
