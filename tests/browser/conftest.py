from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright
from skimage import data

from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from src.utils.preprocessing import resize
from tests.browser.demo_page import DemoPage
from tests.contract.payloads import picture_bytes

OpenPage: TypeAlias = Callable[..., DemoPage]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Nothing is asked of the network.
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream"
)


@pytest.fixture(scope="session")
def camera_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's camera sees: the portrait as a person sits before a webcam, three seconds of YUV4MPEG2."""
    file = tmp_path_factory.mktemp("camera") / "camera.y4m"
    picture = resize(np.ascontiguousarray(data.astronaut()[0:240, 64:384]), 640, 480)
    planes = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), cv2.COLOR_BGR2YUV_I420)
    file.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + planes.tobytes()) * 30)
    return file


# One per module: while Playwright's synchronous interface is open, its thread has a running event loop, and tests of
# other folders call asyncio.run().
@pytest.fixture(scope="module")
def browser(camera_file: Path) -> Iterator[Browser]:
    path = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium; Debian, Ubuntu: apt install chromium")
    with sync_playwright() as playwright:
        camera = f"--use-file-for-fake-video-capture={camera_file}"
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET.split(), camera])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, service: ServiceProcess) -> Iterator[OpenPage]:
    """Opens the page in a context of its own; afterwards nothing may have gone elsewhere or been complained of."""
    opened: list[DemoPage] = []

    def open_one(of: ServiceProcess = service, init_script: str = "", **context_options: Any) -> DemoPage:
        context = browser.new_context(**context_options)
        if init_script:
            context.add_init_script(init_script)
        opened.append(DemoPage(context.new_page(), f"http://127.0.0.1:{of.port}/"))
        return opened[-1]

    yield open_one
    for page in opened:
        page.page.context.close()
    assert [page.foreign_requests() for page in opened] == [[] for _ in opened]
    assert [page.complaints for page in opened] == [[] for _ in opened]


@pytest.fixture(scope="session")
def portrait_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory, "portrait.png", np.asarray(data.astronaut()))


@pytest.fixture(scope="session")
def eye_file(tmp_path_factory: pytest.TempPathFactory, eye_photo: RgbImage) -> Path:
    return _written(tmp_path_factory, "eye.png", eye_photo)


@pytest.fixture(scope="session")
def dim_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait, small and nearly black: its eyes are found, and there is more than one reason to doubt them."""
    dim = (np.asarray(data.astronaut()) * 0.08).astype(np.uint8)
    return _written(tmp_path_factory, "dim.png", resize(dim, 160, 160))


@pytest.fixture(scope="session")
def no_eye_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory, "grey.png", np.full((200, 300, 3), 128, np.uint8))


@pytest.fixture(scope="session")
def no_picture_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("files") / "holiday.jpg"
    file.write_bytes(b"this is not a picture")
    return file


def _written(tmp_path_factory: pytest.TempPathFactory, name: str, picture: RgbImage) -> Path:
    file = tmp_path_factory.mktemp("files") / name
    file.write_bytes(picture_bytes(picture))
    return file
