"""The small pictures of a report."""

from __future__ import annotations

import hashlib

from src.cli.screening.report_folder import ReportFolder, write_privately
from src.core.types import EyeReport, RgbImage
from src.utils.image_codec import encode_jpeg
from src.utils.preprocessing import shrink_to_fit

# Twice what the page shows, for fine screens; the service's own previews would take ten times the bytes.
_LONGEST_SIDE = 224
_JPEG_QUALITY = 80


def write_previews(report: ReportFolder, picture_name: str, eye: EyeReport) -> tuple[str, str | None]:
    """Writes the eye, and the eye with its heatmap, as JPEG files with a longest side of 224 px.

    Returns:
        the files' names, which say nothing of the picture's; None for a flat map.

    Raises:
        OSError: they cannot be written.
    """
    digest = hashlib.sha256(picture_name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    preview = f"{digest}-{eye.side.value}.jpg"
    _write(report, preview, eye.preview)
    if eye.overlay is None:
        return preview, None
    heatmap = f"{digest}-{eye.side.value}-heatmap.jpg"
    _write(report, heatmap, eye.overlay)
    return preview, heatmap


def _write(report: ReportFolder, name: str, picture: RgbImage) -> None:
    write_privately(report.preview(name), encode_jpeg(shrink_to_fit(picture, _LONGEST_SIDE), _JPEG_QUALITY))
