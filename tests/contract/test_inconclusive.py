"""The service says when it is not sure, and why, and answers all the same."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import numpy.typing as npt
import pytest
from skimage import data

from lab.common.backend import ServiceProcess
from src.config.settings import Settings
from src.core.types import Reason, RgbImage
from src.utils.preprocessing import resize, to_network_input
from tests.contract.payloads import data_uri, frame

DESCRIBED_LAYER = "densenet121/pool4_pool"
NAMES = [reason.value for reason in Reason]
OF_THE_PICTURE = {"blurry", "too_dark", "too_bright", "too_small", "eye_closed"}


def framings(face: RgbImage, count: int, seed: int) -> list[RgbImage]:
    """One person's eyes as a hand-held camera would take them, 224 x 224."""
    dice = np.random.default_rng(seed)
    pictures = []
    for index in range(count):
        x, y = ((262.0, 124.0), (322.0, 120.0))[index % 2]
        half_width, half_height = dice.uniform(18, 40), dice.uniform(16, 36)
        x, y = x + dice.uniform(-6, 6), y + dice.uniform(-6, 6)
        part = face[int(y - half_height) : int(y + half_height), int(x - half_width) : int(x + half_width)]
        lit = (part * dice.uniform(0.5, 1.2)).clip(0, 255).astype(np.uint8)
        pictures.append(to_network_input(np.ascontiguousarray(lit[:, :: dice.choice([-1, 1])]), 224))
    return pictures


def write_model(folder: Path, settings: Settings, face: RgbImage) -> Path:
    """The shipped model with a card that knows this person's eyes and nothing else."""
    from src.services.familiarity import FamiliarityStatistics
    from src.services.forward_pass import compile_forward_pass
    from src.services.tensorflow_runtime import keras, tf

    model = keras.models.load_model(settings.model_path, compile=False)
    forward = compile_forward_pass(model, settings.grad_cam_layer, 224, described_layer=DESCRIBED_LAYER)

    def descriptors(pictures: list[RgbImage]) -> npt.NDArray[np.float32]:
        batches = [np.stack(pictures[start : start + 16]) for start in range(0, len(pictures), 16)]
        return np.concatenate([forward(tf.constant(batch))[2].numpy() for batch in batches])

    known, left_out = descriptors(framings(face, 96, seed=0)), descriptors(framings(face, 32, seed=1))
    mean, scale = known.mean(axis=0), known.std(axis=0) + 1e-3
    _, _, directions = np.linalg.svd((known - mean) / scale, full_matrices=False)
    untold = FamiliarityStatistics(mean, scale, directions[:32].T, typical=1.0)
    typical = float(np.percentile(untold.unfamiliarity(left_out), 97.5))

    file, statistics = folder / "model.h5", folder / "model.familiarity.npz"
    shutil.copy(settings.model_path, file)
    FamiliarityStatistics(mean, scale, directions[:32].T, typical).save(statistics)
    card = {
        "classes": list(settings.classes),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "calibrated": True,
        "calibration": {"method": "temperature scaling", "temperature": 2.0},
        "familiarity": {
            "layer": DESCRIBED_LAYER,
            "statistics": statistics.name,
            "sha256": hashlib.sha256(statistics.read_bytes()).hexdigest(),
        },
    }
    file.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def knowing_model(tmp_path_factory: pytest.TempPathFactory, settings: Settings, face: RgbImage) -> Path:
    """A model whose card has a temperature and knows what an eye looks like."""
    return write_model(tmp_path_factory.mktemp("model"), settings, face)


@pytest.fixture(scope="module")
def knowing_client(tmp_path_factory: pytest.TempPathFactory, knowing_model: Path) -> Iterator[httpx.Client]:
    with ServiceProcess(tmp_path_factory.mktemp("knowing") / "log", MODEL_PATH=str(knowing_model)) as process:
        yield process.client


def eye_of(client: httpx.Client, picture: RgbImage) -> dict[str, Any]:
    answer = client.post("/upload", json={"image": data_uri(picture)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["left_eye"])


def eyes_of(client: httpx.Client, *pictures: RgbImage) -> list[dict[str, Any]]:
    answer = client.post("/predict", json=[frame(picture) for picture in pictures])
    assert answer.status_code == 200, answer.text
    return list(answer.json()["body"].values())


def noise() -> RgbImage:
    return np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)


@pytest.mark.smoke
def test_every_eye_says_how_sure_it_is(client: httpx.Client, face: RgbImage) -> None:
    for eye in eyes_of(client, face):
        scores = eye["average_scores"]
        assert isinstance(scores, dict)
        assert eye["confidence"] == max(scores.values())
        assert eye["inconclusive"] is bool(eye["reasons"])
        assert set(eye["reasons"]) <= set(NAMES)


def test_a_good_portrait_leaves_no_doubt_about_the_picture(client: httpx.Client, face: RgbImage) -> None:
    assert [OF_THE_PICTURE & set(eye["reasons"]) for eye in eyes_of(client, face)] == [set(), set()]


@pytest.mark.parametrize(
    ("worse", "reasons"),
    [
        (lambda face: cv2.GaussianBlur(face, (0, 0), 4), {"blurry"}),
        (lambda face: (face * 0.08).astype(np.uint8), {"too_dark"}),
        (lambda face: resize(face, 160, 160), {"blurry", "too_small"}),
    ],
    ids=["blurred", "dark", "tiny"],
)
def test_a_bad_picture_of_a_face_is_answered_with_what_is_bad_about_it(
    client: httpx.Client, face: RgbImage, worse: object, reasons: set[str]
) -> None:
    assert callable(worse)
    for eye in eyes_of(client, worse(face)):
        assert eye["inconclusive"] is True
        assert OF_THE_PICTURE & set(eye["reasons"]) == reasons
        assert sorted(eye["reasons"], key=NAMES.index) == eye["reasons"]
        assert eye["best_prediction"] in eye["average_scores"]


def test_an_over_exposed_eye_is_answered_as_too_bright(client: httpx.Client, eye_photo: RgbImage) -> None:
    eye = eye_of(client, (eye_photo * 4.0).clip(0, 255).astype(np.uint8))
    assert "too_bright" in eye["reasons"]


def test_one_good_frame_among_bad_ones_is_enough(client: httpx.Client, face: RgbImage) -> None:
    blurred = cv2.GaussianBlur(face, (0, 0), 4).astype(np.uint8)
    for eye in eyes_of(client, blurred, face, blurred):
        assert OF_THE_PICTURE & set(eye["reasons"]) == set()


class TestKnowingModel:
    def test_it_says_that_its_scores_are_calibrated(self, knowing_client: httpx.Client, eye_photo: RgbImage) -> None:
        answer = knowing_client.post("/upload", json={"image": data_uri(eye_photo)}).json()
        assert answer["model"]["calibrated"] is True
        assert knowing_client.get("/health").json()["model"]["calibrated"] is True

    def test_its_temperature_makes_scores_less_extreme(
        self, knowing_client: httpx.Client, client: httpx.Client, face: RgbImage
    ) -> None:
        shipped = json.loads(Settings(_env_file=None).model_path.with_suffix(".json").read_text(encoding="utf-8"))
        assert shipped.get("calibration", {"temperature": 1.0})["temperature"] < 2.0
        for eye, usual in zip(eyes_of(knowing_client, face), eyes_of(client, face), strict=True):
            assert eye["best_prediction"] == usual["best_prediction"]
            assert eye["confidence"] < usual["confidence"]

    def test_eyes_that_it_knows_are_eyes(self, knowing_client: httpx.Client, face: RgbImage) -> None:
        for eye in eyes_of(knowing_client, face):
            assert "not_an_eye" not in eye["reasons"]

    @pytest.mark.parametrize(
        "picture",
        [noise(), np.asarray(data.coffee()), np.repeat(np.asarray(data.brick())[..., np.newaxis], 3, axis=2)],
        ids=["noise", "coffee", "bricks"],
    )
    def test_what_is_no_eye_is_answered_as_such(self, knowing_client: httpx.Client, picture: RgbImage) -> None:
        eye = eye_of(knowing_client, picture)
        assert eye["inconclusive"] is True
        assert "not_an_eye" in eye["reasons"]
        assert "unfamiliar" not in eye["reasons"]
