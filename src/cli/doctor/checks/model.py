"""The model's file and its card, without loading TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator

from src.cli.doctor.finding import Finding, fail, ok, skip, warn
from src.config.settings import Settings
from src.core.errors import StartupError
from src.core.types import short_hash
from src.services.model_file import card_path_of, read_model_card
from src.utils.files import sha256_of

_RESTORE = "restore both from the repository or a backup (docs/operations.md, Backup and recovery)"


def look(settings: Settings | None) -> Iterator[Finding]:
    """Whether the model is there, and the card beside it is this model's and fits CLASSES."""
    if settings is None:
        yield skip("not looked at: the settings are wrong")
        return
    file = settings.model_path
    if not file.is_file():
        yield fail(f"there is no file {file}", "set MODEL_PATH, or restore the model (docs/operations.md)")
        return
    sha256 = sha256_of(file)
    words = f"{file.name}, SHA-256 {short_hash(sha256)}"
    if not card_path_of(file).is_file():
        yield warn(f"{words}, no card beside it: scores are not calibrated, nothing is unfamiliar", _RESTORE)
        return
    try:
        card = read_model_card(file, sha256)
    except StartupError as error:
        yield fail(str(error), _RESTORE)
        return
    if card.classes is None:
        yield warn(f"{words}: the card beside it is of another model file, or this one is damaged", _RESTORE)
    elif card.classes != settings.classes:
        yield fail(
            f"CLASSES is {','.join(settings.classes)}, the model's card says {','.join(card.classes)}",
            f"set CLASSES={','.join(card.classes)}",
        )
    else:
        yield ok(f"{words}, as its card says")
