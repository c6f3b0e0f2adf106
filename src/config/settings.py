"""Every setting of the service: one table of name, type, default and meaning, read once at start.

The environment wins over the `.env` file. Relative paths are taken from the project's root, so the service may be
started from anywhere. `.env.example`, docs/configuration.md and the README's ten are tested against this file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from src.config.env_file import misspelt_variables, read_env_file
from src.config.process import usable_cores
from src.config.setting_types import ClassNames, HeaderNames, HostNames, IpAddress, Keys, Origins, ShareIfSet, Shares
from src.core.errors import StartupError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
ENV_FILE = PROJECT_ROOT / ".env"
ASSETS_DIR = PROJECT_ROOT / "src" / "assets"

MOST_EYES_PER_PASS = 16
"""Bounds the memory of one pass through the network: activations of DenseNet121 take about 50 MB per eye."""

# What Sentry and OpenTelemetry put on the requests of a page (W3C Trace Context, W3C Baggage); nothing here reads them.
_HEADERS_OF_TRACERS = ("traceparent", "tracestate", "baggage", "sentry-trace")


def _from_project_root(path: Path) -> Path:
    return path if path.is_absolute() else PROJECT_ROOT / path


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


ProjectPath = Annotated[Path, AfterValidator(_from_project_root)]


class Settings(BaseSettings):
    """The settings, typed and frozen. A field's name is its environment variable in lower case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    model_name: str = Field("EyeNet", min_length=1, description="Name of the model in /health and in answers.")
    model_path: ProjectPath = Field(
        Path("src/assets/models/eyenet_model_52k_ds.h5"), description="The Keras .h5 of the classifier."
    )
    grad_cam_layer: str = Field(
        "multiply_1", min_length=1, description="Layer that heatmaps are computed from; any layer with 4-D output."
    )
    classes: ClassNames = Field(
        ("Cataract", "Conjunctivitis", "Healthy", "Stye"),
        description="The model's classes, in the order of its outputs.",
    )

    listen_address: IpAddress = Field(
        "127.0.0.1", description="IP address to listen on; 0.0.0.0 for all, as the container does."
    )
    port: int = Field(8000, ge=1, le=65535, description="TCP port to listen on.")
    allowed_origins: Origins = Field(
        ("http://localhost:5173", "http://localhost:3000"),
        description="Origins whose pages may call the service from a browser.",
    )
    allowed_hosts: HostNames = Field(
        (), description="Names that the service answers to, without port, beside its IP addresses; empty: any."
    )
    cors_allowed_headers: HeaderNames = Field(
        ("Content-Type", "X-Request-ID", "X-API-Key", "Authorization", *_HEADERS_OF_TRACERS),
        description="Headers that pages of other origins may send.",
    )
    legacy_envelope: bool = Field(
        False, description="Answer /predict and /upload as the first EyeNet frontend expects: always HTTP 200."
    )

    api_keys: Keys = Field(
        (),
        description="Secrets of 16 characters or more, one of which a request has to bring; `name:secret` has the log "
        "say whose it was; empty: open to all.",
    )
    public_metrics: bool = Field(False, description="GET /metrics needs no key where API_KEYS are set.")
    public_docs: bool = Field(True, description="The documentation needs no key where API_KEYS are set.")

    max_body_mb: int = Field(48, ge=1, le=1024, description="Largest request body, in MiB.")
    max_memory_in_flight_mb: int = Field(
        512,
        ge=1,
        le=1024 * 1024,
        description="MiB of all bodies worked on or waiting at once; one more is answered 503.",
    )
    max_frames: int = Field(32, ge=1, le=1024, description="Most frames in one /predict.")
    max_image_pixels: int = Field(
        40_000_000, ge=1024, description="Largest width x height of one picture, checked before it is decoded."
    )
    max_request_pixels: int = Field(
        400_000_000, ge=1024, description="Most pixels of all pictures of one request together, by their headers."
    )
    max_requests_in_flight: int = Field(
        64, ge=1, le=10_000, description="Requests worked on or waiting at once; one more is answered 503."
    )
    request_timeout_s: float = Field(
        60.0, gt=0, le=3600, description="Seconds for a request once its body is there; past them it is answered 503."
    )
    worker_threads: int = Field(
        0,
        ge=0,
        le=256,
        description="Threads for decoding, detection and inference; 0: one per core that it may use.",
    )
    inference_precision: Literal["auto", "float32", "bfloat16", "tensorfloat32"] = Field(
        "auto",
        description="How the network multiplies; auto: bfloat16 where CPU and model card allow, else float32.",
    )
    inference_batch_size: int = Field(
        0,
        ge=0,
        le=MOST_EYES_PER_PASS,
        description="Most eyes in one pass; 0: 1 on a CPU, whose cores each take a pass, "
        f"{MOST_EYES_PER_PASS} on a GPU.",
    )
    gpu_memory_growth: bool = Field(True, description="Take GPU memory as it is needed; false: all of it at start.")
    step_timeout_s: float = Field(
        20.0,
        ge=1,
        le=3600,
        description="Seconds after which a step of the work (decoding a picture, say) hangs: the process is replaced.",
    )
    drain_timeout_s: float = Field(
        25.0, ge=0, le=3600, description="Seconds that requests in flight get to finish after SIGTERM."
    )
    supervise: bool = Field(True, description="Start the server process again when it dies; false: end with it.")

    crop_padding_x: float = Field(
        20.0, ge=0, le=200, description="Pixels added left and right of an eye, for a face 200 px wide."
    )
    crop_padding_y: float = Field(
        40.0, ge=0, le=200, description="Pixels added above an eye, half of it below, for a face 200 px wide."
    )
    mirrored_input: bool = Field(
        False,
        description="Pictures are mirrored (selfie cameras) unless a request says otherwise: swaps left and right eye.",
    )

    min_confidence: ShareIfSet = Field(
        None,
        description="Mean score (0-1) of the best class, below which it is low_confidence; 0: never; empty: as the "
        "model's card says, else 0.6.",
    )
    max_other_condition: ShareIfSet = Field(
        None,
        description="Probability (0-1) of another condition than CLASSES, above which it is other_condition; 1: never; "
        "empty: as the model's card says.",
    )
    prevalence: Shares = Field(
        (),
        description="Share of each of CLASSES among those examined, for expected_precision; empty: as in the "
        "pictures that the model was tested with.",
    )
    max_unfamiliarity: float = Field(
        1.0,
        ge=0,
        le=1000,
        description="Strangeness above which a crop is unfamiliar; 1 is that of 1 in 40 healthy eyes; 1000: never.",
    )
    not_an_eye_from: float = Field(
        1.6, ge=0, le=1000, description="The same strangeness, above which a crop is not_an_eye; 1000: never."
    )
    min_sharpness: float = Field(
        0.15,
        ge=0,
        le=1,
        description="Fine structure (0-1) of a crop, below which it is blurry; 0: never.",
    )
    min_brightness: float = Field(
        20.0, ge=0, le=255, description="Mean grey level (0-255) of a crop, below which it is too_dark; 0: never."
    )
    max_brightness: float = Field(
        220.0, ge=0, le=255, description="Mean grey level (0-255) of a crop, above which it is too_bright; 255: never."
    )
    min_crop_pixels: int = Field(
        20,
        ge=0,
        le=512,
        description="Shortest side of a crop in the picture's pixels, below which it is too_small; 0: never.",
    )
    min_eye_openness: float = Field(
        0.15,
        ge=0,
        le=1,
        description="Height of the eye's opening divided by its width, below which it is eye_closed; 0: never.",
    )
    min_frame_agreement: float = Field(
        0.6,
        ge=0,
        le=1,
        description="Share of frames (0-1) with the overall best class, below which frames_disagree; 0: never.",
    )

    temp_images_dir: ProjectPath = Field(Path("temp_images"), description="Where frames go if they are saved.")
    saved_eyes_dir: ProjectPath = Field(Path("saved_eyes"), description="Where eye crops go if they are saved.")
    save_temp_images: bool = Field(False, description="Save every frame to TEMP_IMAGES_DIR.")
    save_eyes: bool = Field(False, description="Save every eye crop to SAVED_EYES_DIR.")
    image_retention_hours: float = Field(
        24.0, gt=0, le=24 * 365, description="Hours after which saved pictures are deleted."
    )

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = Field(
        "INFO", description="Least severe level logged."
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines as key=value text, or as JSON objects.")
    metrics: bool = Field(True, description="Answer GET /metrics; false answers it 404.")
    demo_page: bool = Field(True, description="Answer GET / with the demo page; false answers it 404.")

    @field_validator("max_memory_in_flight_mb")
    @classmethod
    def _check_room_for_one_body(cls, megabytes: int, others: ValidationInfo) -> int:
        if megabytes < others.data.get("max_body_mb", 0):
            raise ValueError("one body of MAX_BODY_MB has to fit in")
        return megabytes

    @property
    def max_body_bytes(self) -> int:
        return self.max_body_mb * 1024 * 1024

    @property
    def max_bytes_in_flight(self) -> int:
        return self.max_memory_in_flight_mb * 1024 * 1024

    @property
    def worker_thread_count(self) -> int:
        return self.worker_threads or usable_cores()


def load_settings(env_file: Path | None = ENV_FILE) -> Settings:
    """The settings from the environment and from `env_file`, where there is one.

    Raises:
        StartupError: a value is wrong, or `env_file` is (see `read_env_file`), or a variable like API_KEY leaves the
            service open; one sentence per wrong variable, naming it.
    """
    known = _names()
    read = {} if env_file is None else read_env_file(env_file, known).values
    in_environment = {name.lower() for name in os.environ}
    from_file: dict[str, Any] = {name: read[name] for name in read if name not in in_environment}
    try:
        settings = Settings(_env_file=None, **from_file)
    except ValidationError as error:
        sentences = (_sentence(details["loc"], details["msg"]) for details in error.errors())
        # Of a list each part may be wrong in the same way.
        raise StartupError(" ".join(dict.fromkeys(sentences))) from None
    for name, likely in misspelt_variables(os.environ, known).items():
        if likely == "API_KEYS" and not settings.api_keys:
            raise StartupError(
                f"{name} is in the environment and API_KEYS is not set: the service would be open to all. Rename it to "
                "API_KEYS, or remove it."
            )
    return settings


def doubts_about_variables() -> list[str]:
    """A sentence for each variable of the environment that is probably a setting's misspelt name."""
    misspelt = misspelt_variables(os.environ, _names())
    return [f"{name} in the environment is no setting. Is {likely} meant?" for name, likely in misspelt.items()]


def strange_lines(env_file: Path = ENV_FILE) -> tuple[int, ...]:
    """The lines of a valid `.env` that set what neither this service nor a program known to share the file reads."""
    return read_env_file(env_file, _names()).strangers


def _names() -> frozenset[str]:
    return frozenset(name.upper() for name in Settings.model_fields)


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    """One sentence, such as: PORT is wrong: input should be less than or equal to 65535."""
    reason = message.removeprefix("Value error, ").rstrip(".")
    return f"{str(location[0]).upper()} is wrong: {reason[0].lower()}{reason[1:]}."
