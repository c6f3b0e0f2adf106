"""Fixtures for all tests: a clean environment, a real face, the real model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from skimage import data

from lab.common.backend import ServiceProcess
from src.config.env_file import misspelt_variables
from src.config.settings import PROJECT_ROOT, Settings, load_settings
from src.core.types import RgbImage
from src.utils.preprocessing import resize
from tests.services import Start, write_tiny_model

if TYPE_CHECKING:
    from src.services.assets import Assets
    from src.services.classifier import EyeClassifier

# What the service switches, as TensorFlow has it of itself.
_OPTIMISATIONS = {
    "arithmetic_optimization": True,
    "auto_mixed_precision_onednn_bfloat16": False,
    "constant_folding": True,
    "dependency_optimization": True,
    "function_optimization": True,
    "layout_optimizer": True,
    "loop_optimization": True,
    "shape_optimization": True,
}

SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Together the tests of the training train, paint and learn for as long as all others take."""
    for item in items:
        if "/unit/training/" in item.path.as_posix():
            item.add_marker("training")


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """What the developer's shell says of our settings must not decide a test."""
    with pytest.MonkeyPatch.context() as environment:
        settings = {name.upper() for name in Settings.model_fields}
        for name in [*misspelt_variables(os.environ, settings), *(n for n in os.environ if n.upper() in settings)]:
            environment.delenv(name)
        yield


@pytest.fixture(scope="module", autouse=True)
def tensorflow_as_it_was() -> Iterator[None]:
    """How the service has its graphs optimised and its numbers rounded must not decide a test of another module."""
    yield
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        optimizer = tensorflow.config.optimizer
        changed = {name: not name.startswith("auto_mixed_precision") for name in optimizer.get_experimental_options()}
        optimizer.set_experimental_options({name: changed[name] for name in changed if name in _OPTIMISATIONS})
        tensorflow.config.experimental.enable_tensor_float_32_execution(True)


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load_settings(env_file=None)


@pytest.fixture(scope="session")
def face() -> RgbImage:
    """A portrait in the public domain (NASA; Eileen Collins), squeezed to the 640x640 that browsers send."""
    return resize(np.asarray(data.astronaut()), 640, 640)


@pytest.fixture(scope="session")
def eye_photo() -> RgbImage:
    """A close-up of one eye, cut out of the same portrait."""
    return resize(np.ascontiguousarray(data.astronaut()[79:113, 228:265]), 444, 408)


@pytest.fixture(scope="session")
def assets() -> Assets:
    from src.services.assets import prepare_assets

    return prepare_assets()


@pytest.fixture(scope="session")
def classifier(settings: Settings) -> EyeClassifier:
    """The shipped model."""
    from src.services.classifier import EyeClassifier

    return EyeClassifier.from_settings(settings)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One service with the shipped model and the default settings for all tests that do not hurt it."""
    with ServiceProcess(tmp_path_factory.mktemp("service") / "log") as process:
        yield process
        assert ", restart " not in process.log, "a test has hurt the service"


@pytest.fixture(scope="session")
def client(service: ServiceProcess) -> httpx.Client:
    return service.client


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("tiny_model"))


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Start:
    """For tests that need settings of their own, or a service that they may hurt."""

    def make(**options: Any) -> ServiceProcess:
        return ServiceProcess(tmp_path_factory.mktemp("service") / "log", **{"MODEL_PATH": str(tiny_model)} | options)

    return make
