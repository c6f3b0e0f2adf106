"""What cannot be read in .env, and what is nearly a setting's name, is said and not passed over."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from src.config.env_file import likely_setting, misspelt_variables, read_env_file
from src.config.settings import PROJECT_ROOT, Settings, doubts_about_variables, load_settings, strange_lines
from src.core.errors import StartupError

SETTINGS = frozenset(name.upper() for name in Settings.model_fields)
SECRET = "s3cret-value-of-somebody"  # noqa: S105


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def refusal(env_file: Path, content: str | bytes) -> str:
    env_file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    with pytest.raises(StartupError) as stop:
        load_settings(env_file)
    return str(stop.value)


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("API_KEY", "API_KEYS"),
        ("APIKEY", "API_KEYS"),
        ("API-KEYS", "API_KEYS"),
        ("KEYS_API", "API_KEYS"),
        ("EYENET_API_KEYS", "API_KEYS"),
        ("api_key", "API_KEYS"),
        ("ALLOWED_ORIGIN", "ALLOWED_ORIGINS"),
        ("ALOWED_ORIGIN", "ALLOWED_ORIGINS"),
        ("PROT", "PORT"),
        ("PORTS", "PORT"),
        ("CLASS", "CLASSES"),
        ("METRIC", "METRICS"),
        ("MAX_BODY_MBS", "MAX_BODY_MB"),
        ("MAX_BODY", "MAX_BODY_MB"),
        ("MODELPATH", "MODEL_PATH"),
        ("REQUEST_TIMEOUT", "REQUEST_TIMEOUT_S"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("MIN_CONFIDENC", "MIN_CONFIDENCE"),
    ],
)
def test_a_name_in_the_file_that_is_nearly_a_setting_stops_the_start_and_is_told_the_likely_one(
    env_file: Path, name: str, likely: str
) -> None:
    sentence = refusal(env_file, f"# first\nMODEL_NAME=Mine\n{name}={SECRET}\n")
    assert sentence == f"{env_file}, line 3: {name} is no setting. Is {likely} meant? Rename or remove it."


def test_all_wrong_lines_are_named_at_once(env_file: Path) -> None:
    sentence = refusal(env_file, f"API_KEY={SECRET}\nPROT=9000\nwhat is this\n")
    assert all(words in sentence for words in ("line 1: API_KEY", "line 2: PROT", "line 3 cannot be read"))
    assert SECRET not in sentence


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_every_setting_without_one_of_its_letters_or_with_two_swapped_is_recognised(setting: str) -> None:
    for place in range(1, len(setting) - 1):
        for wrong in (
            setting[:place] + setting[place + 1 :],
            setting[:place] + setting[place + 1] + setting[place] + setting[place + 2 :],
        ):
            assert wrong in SETTINGS or likely_setting(wrong, SETTINGS) in SETTINGS, wrong
    assert likely_setting(setting, SETTINGS) is None


def test_names_of_other_programs_in_the_file_are_nobodys_business_and_the_doctor_counts_unknown_ones(
    env_file: Path,
) -> None:
    others = ["COMPOSE_PROJECT_NAME", "GATEWAY_PORT", "BACKENDS", "TF_CPP_MIN_LOG_LEVEL", "EYENET_API_KEY"]
    unknown = ["POSTGRES_PASSWORD", "APP_KEY", "DB_PORT", "MODEL_DIR", "HOST", "RUST_LOG"]
    env_file.write_text("PORT=9001\n\n" + "".join(f"{name}={SECRET}\n" for name in others + unknown), encoding="utf-8")
    assert load_settings(env_file).port == 9001
    assert strange_lines(env_file) == tuple(range(8, 14))


@pytest.mark.parametrize("others", ["deploy/gateway/start.sh", "docker-compose.yml"])
def test_all_variables_of_the_gateway_and_of_compose_are_known(env_file: Path, others: str) -> None:
    text = (PROJECT_ROOT / others).read_text(encoding="utf-8")
    names = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", text)) - SETTINGS
    assert "BACKENDS" in names or "BACKEND_MEMORY" in names
    env_file.write_text("".join(f"{name}=1\n" for name in names), encoding="utf-8")
    load_settings(env_file)
    assert strange_lines(env_file) == ()
    assert misspelt_variables(names, SETTINGS) == {}


@pytest.mark.parametrize(
    "line",
    [
        f"API_KEYS {SECRET}",
        "PORT",
        "PORT # nothing",
        f"API_KEYS: {SECRET}",
        f"set API_KEYS={SECRET}",
        f"={SECRET}",
        f"API_KEYS='{SECRET}",
        f'API_KEYS="{SECRET}',
        f'API_KEYS="{SECRET}" and more',
        f"\N{CYRILLIC CAPITAL LETTER ER}ORT={SECRET}",
        f'"API_KEYS"={SECRET}',
        "P\0O\0R\0T\0=\0",
    ],
)
@pytest.mark.parametrize("before", ["", "\n\n# a comment\n"])
def test_a_line_that_cannot_be_read_stops_the_start_with_its_number_and_without_its_content(
    env_file: Path, caplog: pytest.LogCaptureFixture, before: str, line: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        sentence = refusal(env_file, f"{before}{line}\nMAX_FRAMES=7\n")
    assert f"{env_file}, line {1 + before.count(chr(10))} " in sentence
    assert SECRET not in sentence
    # Half a sentence of the library's would be all that people see.
    assert caplog.records == []


def test_a_quote_that_swallows_a_setting_stops_the_start_and_one_of_another_program_may_be_long(env_file: Path) -> None:
    assert "line 1 has a quote that is not closed" in refusal(env_file, f'NOTE="a\nAPI_KEYS={SECRET}\nEND="\n')
    assert "line 1 has a quote that is not closed" in refusal(env_file, 'MODEL_NAME="a\nb"\n')
    env_file.write_text('CERTIFICATE="-----BEGIN\nabc=\n-----END"\nPORT=9001\n', encoding="utf-8")
    assert load_settings(env_file).port == 9001


def test_a_setting_may_stand_there_twice_only_with_the_same_value(env_file: Path) -> None:
    sentence = refusal(env_file, f"API_KEYS={SECRET}\n\napi_keys=\n")
    assert sentence == f"{env_file}, lines 1 and 3 both set API_KEYS, differently: keep one of them."
    env_file.write_text("PORT=9001\nPORT=9001\n", encoding="utf-8")
    assert load_settings(env_file).port == 9001


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_files_of_other_systems_are_read(env_file: Path, mark: bytes, ending: str) -> None:
    lines = ["PORT=9001", "export MAX_FRAMES = '7' # few", "model_name=Ä", ""]
    env_file.write_bytes(mark + ending.join(lines).encode("utf-8"))
    settings = load_settings(env_file)
    assert (settings.port, settings.max_frames, settings.model_name) == (9001, 7, "Ä")


def test_a_file_that_cannot_be_read_at_all_stops_the_start(
    env_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StartupError, match=r"cannot be read: Is a directory\. Mend or remove it\.$"):
        load_settings(tmp_path)
    assert "is not UTF-8 text: save it as UTF-8." in refusal(env_file, "PORT=1".encode("utf-16"))
    env_file.unlink()
    env_file.symlink_to(tmp_path / "gone")
    with pytest.raises(StartupError, match="is a link to a file that is not there"):
        load_settings(env_file)

    def refuse(_file: Path, **_options: str) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(StartupError, match=r"cannot be read: Permission denied\."):
        read_env_file(env_file, SETTINGS)


def test_a_likely_misspelling_in_the_environment_is_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALLOWED_ORIGIN", "PROT", "MODELPATH"):
        monkeypatch.setenv(name, SECRET)
        assert f"{name} in the environment is no setting. Is " in "".join(doubts_about_variables())
    assert load_settings(None).port == 8000
    assert not any(SECRET in doubt for doubt in doubts_about_variables())


def test_ordinary_environments_raise_no_doubt() -> None:
    names = """
        CI CLASS CLASSPATH COLORTERM DEBUG DISPLAY EDITOR ENV GITHUB_ACTIONS GITHUB_TOKEN HOME HOST HOSTNAME ImageOS
        ImageVersion INVOCATION_ID JAVA_HOME JOURNAL_STREAM LANG LC_ALL LISTEN_FDNAMES LISTEN_FDS LISTEN_PID LOGNAME
        LS_COLORS MAIL MANPATH MEMORY_PRESSURE_WATCH METRIC MODEL MODELS NOTIFY_SOCKET OLDPWD OMP_NUM_THREADS PART PATH
        PORTS POST PS1 PWD PYTHONPATH ROBYN_PORT RUNNER_OS SHELL SHLVL SPORT SSH_CLIENT STATE_DIRECTORY SUPERVISED
        SYSTEMD_EXEC_PID TERM TF_USE_LEGACY_KERAS THREADS TMPDIR USER WATCHDOG_USEC WEB_CONCURRENCY WORKERS
        XDG_SESSION_ID EYENET_PORT EYENET_SERVICE_HOST EYENET_PORT_8000_TCP_ADDR KUBERNETES_PORT NVIDIA_VISIBLE_DEVICES
        CUDA_VISIBLE_DEVICES APP_KEY OPENAI_API_KEY DB_PORT
    """
    assert misspelt_variables(names.split(), SETTINGS) == {}


@pytest.mark.parametrize("name", ["API_KEY", "APIKEYS", "api_key"])
@pytest.mark.parametrize("others", ["", "API_KEYS=\n"])
def test_a_key_in_a_misspelt_variable_stops_the_start_where_the_service_would_be_open(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, name: str, others: str
) -> None:
    env_file.write_text(others, encoding="utf-8")
    monkeypatch.setenv(name, SECRET)
    with pytest.raises(StartupError, match=rf"^{name} is in the environment and API_KEYS is not set: .* open to all"):
        load_settings(env_file)
    env_file.write_text(f"API_KEYS={SECRET}\n", encoding="utf-8")
    assert len(load_settings(env_file).api_keys) == 1
