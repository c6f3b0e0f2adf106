"""Each sentence of the specification has what holds it; and tests for those that no other test holds."""

from __future__ import annotations

import ast
import contextlib
import difflib
import io
import shutil
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from packaging.requirements import Requirement

from src.api.openapi.document import openapi_document
from src.config.settings import ASSETS_DIR, PROJECT_ROOT, Settings
from src.services.assets import prepare_assets

TABLE = yaml.safe_load((PROJECT_ROOT / "tests" / "specification" / "specification.yaml").read_text(encoding="utf-8"))
ROWS = [(section, row) for section, rows in TABLE["sections"].items() for row in rows]
WAYS = {"held_by", "departure", "by_hand"}


@cache
def known_tests() -> frozenset[str]:
    """As pytest names them, without what parametrisation adds."""
    found = set()
    for file in (PROJECT_ROOT / "tests").rglob("test_*.py"):
        path = file.relative_to(PROJECT_ROOT).as_posix()
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            inside = node.body if isinstance(node, ast.ClassDef) else [node]
            place = f"{path}::{node.name}" if isinstance(node, ast.ClassDef) else path
            found |= {
                f"{place}::{test.name}"
                for test in inside
                if isinstance(test, (ast.FunctionDef, ast.AsyncFunctionDef)) and test.name.startswith("test_")
            }
    return frozenset(found)


def nearest(missing: str) -> str:
    """The tests of the same name elsewhere, or else those whose names are most like it."""
    names = {test.rpartition("::")[2] for test in known_tests()}
    alike = difflib.get_close_matches(missing.rpartition("::")[2], names, n=1)
    return ", ".join(test for test in sorted(known_tests()) if test.rpartition("::")[2] in alike) or "none"


@pytest.mark.parametrize(("section", "row"), ROWS, ids=[row["says"] for _, row in ROWS])
def test_a_sentence_has_what_holds_it(section: str, row: dict[str, Any]) -> None:
    place = f"{section}: {row['says']!r}"
    assert set(row) & WAYS, f"{place} is held by nothing"
    assert set(row) <= {"says", *WAYS}, f"{place} has {set(row) - {'says', *WAYS}}"
    for test in row.get("held_by", []):
        assert test in known_tests(), f"{place} is held by {test}, which is not there. Nearest: {nearest(test)}"
    if "departure" in row:
        assert row["departure"] in TABLE["departures"], f"{place} names no departure that is settled"


def test_a_sentence_stands_in_the_table_once_and_a_departure_for_a_sentence() -> None:
    sentences = [row["says"] for _, row in ROWS]
    assert [sentence for sentence in sentences if sentences.count(sentence) > 1] == []
    assert {row["departure"] for _, row in ROWS if "departure" in row} == set(TABLE["departures"])


def test_a_test_that_moved_or_was_renamed_is_found_again() -> None:
    here = "tests/specification/test_specification.py::test_the_licence_is_mit"
    assert nearest("tests/unit/test_elsewhere.py::TestMoved::test_the_licence_is_mit") == here
    assert nearest("tests/specification/test_specification.py::test_its_licence_is_mit") == here


def text_of(file: str) -> str:
    return (PROJECT_ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("robyn", ""),
        ("tensorflow", "2.14.1"),
        ("opencv-python-headless", "4.10."),
        ("pillow", ""),
        ("dlib-bin", ""),
        ("face-recognition-models", ""),
    ],
)
def test_the_technologies_are_pinned(package: str, version: str) -> None:
    requirements = [Requirement(line) for line in text_of("requirements.txt").splitlines() if line[:1].isalpha()]
    pins = [str(one.specifier) for one in requirements if one.name == package]
    assert pins
    assert pins[0].startswith(f"=={version}")


def test_the_image_is_made_for_cuda_11_8_and_answers_on_port_8000() -> None:
    lines = [line.strip(" \\") for line in text_of("Dockerfile").splitlines()]
    assert "ARG BASE_IMAGE=nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04" in lines
    assert {"LISTEN_ADDRESS=0.0.0.0", "PORT=8000", "EXPOSE 8000", 'CMD ["python", "main.py"]'} <= {
        line.removeprefix("ENV ") for line in lines
    }


def test_compose_has_a_backend_behind_port_8000() -> None:
    services = yaml.safe_load(text_of("docker-compose.yml"))["services"]
    assert services["backend"]["image"] == "eyenet-backend"
    assert services["gateway"]["ports"] == ["${PORT:-8000}:8080"]


PICTURE = "data:image/png;base64,iVBORw0KGgo="
AN_EYE = {
    "average_scores": {"Cataract": 15.2, "Conjunctivitis": 8.7, "Healthy": 65.1, "Stye": 11.0},
    "best_prediction": "Healthy",
    "image_preview": PICTURE,
    "grad_cam_preview": PICTURE,
}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    found: dict[str, Any] = openapi_document(Settings(_env_file=None), {})["components"]["schemas"]
    return found


def faults(schemas: dict[str, Any], schema: dict[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": {"schemas": schemas}}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


@pytest.mark.parametrize(
    ("name", "request_body"),
    [
        ("Frames", [{"image": PICTURE, "score": 0.95, "blur": 0.02, "box": {"x": 100, "y": 150, "w": 200, "h": 200}}]),
        ("PictureRequest", {"image": PICTURE}),
    ],
)
def test_its_requests_are_valid(schemas: dict[str, Any], name: str, request_body: object) -> None:
    assert faults(schemas, {"$ref": f"#/components/schemas/{name}"}, request_body) == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("EyeAnswer", AN_EYE),
        ("UnseenEyeAnswer", {"best_prediction": "Not Detected"}),
        ("EyesAnswer", {"left_eye": {}, "right_eye": {}}),
        ("PredictAnswer", {"status_code": 200, "body": {}}),
        ("UploadAnswer", {"left_eye": {}, "right_eye": {"best_prediction": "Not Detected"}}),
    ],
)
def test_its_answers_have_the_fields_that_we_give(schemas: dict[str, Any], name: str, answer: dict[str, Any]) -> None:
    """With their types; we give more beside them."""
    for field, value in answer.items():
        assert field in schemas[name]["properties"]
        if value:
            assert faults(schemas, schemas[name]["properties"][field], value) == [], field


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("import tensorflow as tf; print(tf.config.list_physical_devices('GPU'))", "["),
        ("import tensorflow as tf; print(tf.test.is_built_with_cuda())", ("True", "False")),
        ("import cv2; print(cv2.__version__)", "4.10."),
    ],
)
def test_what_it_asks_libraries_is_answered(command: str, answer: str | tuple[str, ...]) -> None:
    import src.services.tensorflow_runtime  # noqa: F401  (in this process, TensorFlow needs its environment first)

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(command, {})  # noqa: S102  (the commands above)
    assert printed.getvalue().startswith(answer)


def test_what_its_backup_script_copies_is_there() -> None:
    """But for `.env`, which is the operator's."""
    prepare_assets()
    assert any((ASSETS_DIR / "models").iterdir())
    assert any((ASSETS_DIR / "cascades").iterdir())
    assert (ASSETS_DIR / "shape_predictor_68_face_landmarks.dat").is_file()
    assert (PROJECT_ROOT / "src" / "config" / "settings.py").is_file()


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_the_log_has_its_four_levels(level: str) -> None:
    assert Settings(_env_file=None, log_level=level).log_level == level


@pytest.mark.parametrize("made", ["venv/bin/python", ".env", "temp_images/1.png", "saved_eyes/1.png"])
def test_what_it_lets_people_make_is_ignored_by_git(made: str) -> None:
    """Before the placeholders of the two folders, which keep them in every checkout."""
    git = ["git", "-c", "safe.directory=*"]
    if not shutil.which("git") or subprocess.run([*git, "rev-parse"], cwd=PROJECT_ROOT, check=False).returncode:
        pytest.skip("needs git and a checkout")
    assert subprocess.run([*git, "check-ignore", "-q", made], cwd=PROJECT_ROOT, check=False).returncode == 0
    assert (PROJECT_ROOT / "temp_images" / ".gitkeep").is_file()
    assert (PROJECT_ROOT / "saved_eyes" / ".gitkeep").is_file()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "main.py",
            "requirements.txt",
            "Dockerfile",
            "docker-compose.yml",
            ".env.example",
            "temp_images",
            "saved_eyes",
        ),
        *("src/api/routes", "src/assets", "src/config/settings.py", "src/core", "src/services", "src/utils"),
    ],
)
def test_the_project_has_its_shape(name: str) -> None:
    assert (PROJECT_ROOT / name).exists()


def test_the_licence_is_mit() -> None:
    assert text_of("LICENSE").startswith("MIT License")
