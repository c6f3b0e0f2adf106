"""Settings are read from the environment and .env, checked, and never change afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from src.config.process import usable_cores
from src.config.settings import PROJECT_ROOT, Settings, load_settings
from src.core.errors import StartupError

KEYS = ("Zm9yLXRoZS13ZWJzaXRl", "for-the-clinic~2026+/==")


def settings_from(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings(env_file=None)


def test_the_defaults_are_those_of_the_specification() -> None:
    settings = load_settings(env_file=None)
    assert settings.model_name == "EyeNet"
    assert settings.model_path == PROJECT_ROOT / "src/assets/models/eyenet_model_52k_ds.h5"
    assert settings.grad_cam_layer == "multiply_1"
    assert settings.port == 8000
    assert settings.allowed_origins == ("http://localhost:5173", "http://localhost:3000")
    assert (settings.crop_padding_x, settings.crop_padding_y) == (20, 40)
    assert settings.temp_images_dir == PROJECT_ROOT / "temp_images"
    assert settings.saved_eyes_dir == PROJECT_ROOT / "saved_eyes"
    assert settings.classes == ("Cataract", "Conjunctivitis", "Healthy", "Stye")


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load_settings(env_file=None)
    assert (settings.max_body_mb, settings.max_frames, settings.max_image_pixels) == (48, 32, 40_000_000)
    assert (settings.mirrored_input, settings.legacy_envelope) == (False, False)
    assert (settings.save_temp_images, settings.save_eyes, settings.image_retention_hours) == (False, False, 24)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_means(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description is not None
    assert description.endswith(".")
    assert len(description.split()) >= 3


@pytest.mark.parametrize("name", Settings.model_fields)
def test_no_setting_can_be_changed(name: str) -> None:
    settings = load_settings(env_file=None)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, name, getattr(settings, name))


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which may hold variables of others, and need not exist."""
    env_file = tmp_path / ".env"
    assert load_settings(env_file).port == 8000
    lines = 'PORT=9001\nMAX_FRAMES="7"  # a comment\nexport MODEL_NAME=Mine\nCOMPOSE_PROJECT_NAME=eyenet\n'
    env_file.write_text(lines, encoding="utf-8")
    monkeypatch.setenv("PORT", "9002")
    settings = load_settings(env_file)
    assert (settings.port, settings.max_frames, settings.model_name) == (9002, 7, "Mine")


def test_an_env_file_that_is_not_text_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes("MODEL_NAME=Ä".encode("latin-1"))
    with pytest.raises(StartupError, match=r"\.env"):
        load_settings(env_file)


def test_relative_paths_are_taken_from_the_projects_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = settings_from(monkeypatch, MODEL_PATH="models/mine.h5", SAVED_EYES_DIR=str(tmp_path / "eyes"))
    assert settings.model_path == PROJECT_ROOT / "models/mine.h5"
    assert settings.saved_eyes_dir == tmp_path / "eyes"


def test_lists_are_separated_by_commas_and_keys_and_origins_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(
        monkeypatch,
        CLASSES=" Healthy , Ill,",
        ALLOWED_ORIGINS="https://a.example,http://b.example:81",
        API_KEYS=f" {KEYS[0]} ,{KEYS[1]},",
    )
    assert settings.classes == ("Healthy", "Ill")
    assert settings.allowed_origins == ("https://a.example", "http://b.example:81")
    assert tuple(key.get_secret_value() for key in settings.api_keys) == KEYS
    named = f"clinic-1:{KEYS[0]}"
    assert settings_from(monkeypatch, API_KEYS=named).api_keys[0].get_secret_value() == named
    settings = settings_from(monkeypatch, ALLOWED_ORIGINS="", API_KEYS="")
    assert settings.allowed_origins == settings.api_keys == ()


@pytest.mark.parametrize(("text", "meaning"), [("true", True), ("1", True), ("False", False), ("0", False)])
def test_switches_and_levels_are_read_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch, text: str, meaning: bool
) -> None:
    settings = settings_from(monkeypatch, MIRRORED_INPUT=text, LOG_LEVEL="debug")
    assert (settings.mirrored_input, settings.log_level) == (meaning, "DEBUG")


WRONG = {
    "PORT": ["0", "65536", "eighty", "80.5", "", "s3cret"],
    "LISTEN_ADDRESS": ["localhost", "256.0.0.1", ""],
    "MODEL_NAME": [""],
    "GRAD_CAM_LAYER": [""],
    "CLASSES": ["", "Healthy", "Healthy,Healthy"],
    "ALLOWED_ORIGINS": [
        "*",
        "null",
        "localhost:3000",
        "https://a.example/",
        "https://a.example/page",
        "ftp://a.example",
        "http://a.example,*",
        "http://[::1",
    ],
    "LEGACY_ENVELOPE": ["perhaps"],
    "MIRRORED_INPUT": ["2"],
    "SAVE_TEMP_IMAGES": [""],
    "SAVE_EYES": ["ja"],
    "MAX_BODY_MB": ["0"],
    "MAX_MEMORY_IN_FLIGHT_MB": ["0", "47"],
    "REQUEST_TIMEOUT_S": ["0", "nan"],
    "API_KEYS": ["15-characters--", f"{KEYS[0]},short", "a key with spaces in it", "a-key-with-ä-umlaut-in-it"],
    "PUBLIC_METRICS": ["perhaps"],
    "PUBLIC_DOCS": [""],
    "MAX_FRAMES": ["-1"],
    "MAX_IMAGE_PIXELS": ["10"],
    "MAX_REQUESTS_IN_FLIGHT": ["0"],
    "WORKER_THREADS": ["-1"],
    "DRAIN_TIMEOUT_S": ["-1", "nan"],
    "CROP_PADDING_X": ["-1", "nan"],
    "CROP_PADDING_Y": ["inf", "wide"],
    "MIN_CONFIDENCE": ["-0.1", "60"],
    "PREVALENCE": ["0.5,-0.5", "0,0,0,0", "rare,common", "nan,1", "inf,1"],
    "MAX_UNFAMILIARITY": ["nan", "-1"],
    "NOT_AN_EYE_FROM": ["1001"],
    "MIN_SHARPNESS": ["1.1"],
    "MIN_BRIGHTNESS": ["-1"],
    "MAX_BRIGHTNESS": ["256"],
    "MIN_CROP_PIXELS": ["1.5", "-1"],
    "MIN_EYE_OPENNESS": ["inf"],
    "MIN_FRAME_AGREEMENT": ["2"],
    "IMAGE_RETENTION_HOURS": ["0", "nan"],
    "LOG_LEVEL": ["LOUD"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]])
def test_a_wrong_value_stops_the_start_with_a_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(StartupError) as stop:
        settings_from(monkeypatch, **{name: value})
    sentence = str(stop.value)
    assert sentence.startswith(f"{name} is wrong: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "s3cret" not in sentence


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartupError) as stop:
        settings_from(monkeypatch, PORT="eighty", LOG_LEVEL="LOUD", MAX_FRAMES="0")
    assert all(f"{name} is wrong" in str(stop.value) for name in ("PORT", "LOG_LEVEL", "MAX_FRAMES"))


def test_settings_never_show_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(monkeypatch, API_KEYS=",".join(KEYS))
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert "api_keys" in text
        assert not any(key in text for key in KEYS)


@pytest.mark.parametrize("key", ["s3cret", "s3cret with spaces in it"])
def test_the_sentence_about_a_bad_key_does_not_show_it(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    with pytest.raises(StartupError) as stop:
        settings_from(monkeypatch, API_KEYS=f"{KEYS[0]},{key}")
    assert str(stop.value).startswith("API_KEYS is wrong: ")
    assert "s3cret" not in str(stop.value)
    assert KEYS[0] not in str(stop.value)
    # Nor what was wrong with it, to whoever looks at where the error came from.
    assert stop.value.__cause__ is None


def test_one_body_has_to_fit_into_the_memory_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(monkeypatch, MAX_BODY_MB="3", MAX_MEMORY_IN_FLIGHT_MB="3")
    assert settings.max_body_bytes == settings.max_bytes_in_flight == 3 * 1024 * 1024
    # The second is more than the default of the memory.
    for body, memory in [("4", "3"), ("513", "512")]:
        with pytest.raises(
            StartupError, match=r"^MAX_MEMORY_IN_FLIGHT_MB is wrong: one body of MAX_BODY_MB has to fit in\.$"
        ):
            settings_from(monkeypatch, MAX_BODY_MB=body, MAX_MEMORY_IN_FLIGHT_MB=memory)


def test_worker_threads_are_one_per_usable_core_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(env_file=None).worker_thread_count == usable_cores()
    assert settings_from(monkeypatch, WORKER_THREADS="3").worker_thread_count == 3
