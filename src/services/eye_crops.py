"""How an eye is cut out of its picture: the one way for the service, the training and the benchmark."""

from __future__ import annotations

from src.core.types import CropQuality, EyeCrop, EyeRegion, RgbImage
from src.utils import geometry
from src.utils.preprocessing import ALL, PREVIEW_LONGEST_SIDE, place_in_square, shrink_to_fit, to_network_input
from src.utils.quality import brightness, contrast, sharpness

# Standard deviation of grey levels below which a picture shows nothing: a covered lens, a blank page.
_BLANK_CONTRAST = 2.0


def cut_eye(picture: RgbImage, eye: EyeRegion, input_side: int, *, filled: bool = True) -> EyeCrop | None:
    """The eye for the network, whose square has `input_side` pixels, and for people; None where nothing is to be seen.

    What lies outside of the picture is filled with the mean colour; or the crop ends with the picture, for models that
    learnt such crops. The crop's box is in pixels of `picture`, RGB uint8 HxWx3.
    """
    height, width = picture.shape[:2]
    inside = geometry.whole_pixels(eye.box, width, height)
    if inside is None:
        return None
    pixels = geometry.cut(picture, inside)
    place = geometry.place_in(eye.box, inside) if filled else ALL
    network_input = to_network_input(pixels, input_side, place)
    seen = network_input[place_in_square(place, input_side)]
    if contrast(seen) < _BLANK_CONTRAST:
        return None
    return EyeCrop(
        side=eye.side,
        source=eye.source,
        preview=shrink_to_fit(pixels, PREVIEW_LONGEST_SIDE),
        network_input=network_input,
        quality=CropQuality(
            sharpness=sharpness(seen),
            brightness=brightness(seen),
            shortest_side=min(pixels.shape[:2]),
            openness=eye.openness,
            sure=eye.sure,
            lids_visible=eye.lids_visible,
        ),
        box=inside,
        place=place,
        side_from=eye.side_from,
    )
