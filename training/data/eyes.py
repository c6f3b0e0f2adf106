"""The eyes in a training picture, as the service finds and cuts them."""

from __future__ import annotations

from functools import lru_cache

from src.config.settings import load_settings
from src.core.types import EyeRegion, RgbImage
from src.services.assets import prepare_assets
from src.services.eye_crops import cut_eye
from src.services.eye_locator import EyeLocator


@lru_cache(maxsize=1)
def _locator() -> EyeLocator:
    return EyeLocator.from_settings(prepare_assets(), load_settings())


def find_eyes(rgb: RgbImage) -> list[EyeRegion]:
    """Those of the person who is nearest; of a picture of which the search is not sure, all of it; none if none.

    Raises:
        StartupError: what the search needs cannot be read.
    """
    return _locator().find_eyes(rgb).eyes


def network_input_of(rgb: RgbImage, eye: EyeRegion, side: int, *, filled: bool = True) -> RgbImage | None:
    """What the service shows the classifier, RGB uint8 side x side x 3; None where there is nothing to see.

    Models of before learnt crops that are not `filled`, see `cut_eye`.
    """
    crop = cut_eye(rgb, eye, side, filled=filled)
    return None if crop is None else crop.network_input
