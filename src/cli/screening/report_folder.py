"""The folder of a report and its small pictures: readable by its owner only, because it holds pictures of people."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from src.core.errors import StartupError
from src.core.types import EyeReport
from src.utils.files import PRIVATE, PRIVATE_FOLDER, UNFINISHED, set_mode, write_then_rename
from src.utils.image_codec import encode_jpeg
from src.utils.preprocessing import shrink_to_fit

_RESULTS = "results.jsonl"
_PREVIEWS = "previews"
# Only files that a screening wrote are ever deleted.
_OUR_PREVIEWS = re.compile(rf"[0-9a-f]{{16}}-(left|right|unknown)_eye(-heatmap)?\.jpg|{re.escape(UNFINISHED)}.*")

# In pixels. Twice what the page shows, for fine screens; the service's own previews would take ten times the bytes.
_LONGEST_SIDE = 224
_JPEG_QUALITY = 80


class ReportFolder:
    """Where a screening writes.

    Attributes:
        results: the JSON lines, one per picture.
        eyes: the table, one row per eye.
        page: the report for people.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / _RESULTS
        self.eyes = folder / "eyes.csv"
        self.page = folder / "report.html"

    def prepare(self) -> None:
        """Makes the folder, or takes one that is empty or a report already, and shuts everybody else out.

        Raises:
            StartupError: there is something else in it, or it cannot be written to.
        """
        try:
            self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            if not is_report(self.folder) and any(self.folder.iterdir()):
                raise StartupError(
                    f"{self.folder} holds something else than a report: name a new folder, or that of a report."
                )
            self.results.touch(mode=PRIVATE)
            previews = self.folder / _PREVIEWS
            previews.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            for path, mode in ((self.folder, PRIVATE_FOLDER), (previews, PRIVATE_FOLDER), (self.results, PRIVATE)):
                set_mode(path, mode)
        except OSError as error:
            raise StartupError(f"{self.folder} cannot be written to: {error.strerror}.") from None

    def preview(self, name: str) -> Path:
        """Where the preview of this name is, or would be."""
        return self.folder / _PREVIEWS / name

    def write_previews(self, picture_name: str, eye: EyeReport) -> tuple[str, str | None]:
        """Writes the eye, and the eye with its heatmap, as JPEG files with a longest side of 224 px.

        Returns:
            the files' names, which say nothing of the picture's; None for a flat map.

        Raises:
            OSError: they cannot be written.
        """
        digest = hashlib.sha256(picture_name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        name, heatmap_name = f"{digest}-{eye.side.value}_eye.jpg", f"{digest}-{eye.side.value}_eye-heatmap.jpg"
        pictures = {name: eye.preview} if eye.overlay is None else {name: eye.preview, heatmap_name: eye.overlay}
        for file, picture in pictures.items():
            jpeg = encode_jpeg(shrink_to_fit(picture, _LONGEST_SIDE), _JPEG_QUALITY)
            write_then_rename(self.preview(file), jpeg, PRIVATE)
        return name, None if eye.overlay is None else heatmap_name

    def read_preview(self, name: str) -> bytes | None:
        """A preview's JPEG; None where it has gone."""
        try:
            return self.preview(name).read_bytes()
        except OSError:
            return None

    def has_previews(self, names: Iterable[str]) -> bool:
        """Whether all of them are there."""
        return all(self.preview(name).is_file() for name in names)

    def keep_only_previews(self, names: set[str]) -> None:
        """Deletes the previews of pictures that are no longer reported.

        Raises:
            OSError: one cannot be deleted.
        """
        for file in (self.folder / _PREVIEWS).iterdir():
            if file.name not in names and _OUR_PREVIEWS.fullmatch(file.name):
                file.unlink()


def is_report(folder: Path) -> bool:
    """Whether a screening has written, or at least begun to write, into this folder."""
    return (folder / _RESULTS).is_file() and (folder / _PREVIEWS).is_dir()
