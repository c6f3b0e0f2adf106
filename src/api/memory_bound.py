"""How much memory requests can take, whatever they bring."""

from __future__ import annotations

from src.api.admission import MOST_FRAMES_OF_SMALL
from src.api.requests import MOST_VALUES
from src.config.settings import Settings
from src.services.image_store import MOST_WAITING_BYTES
from src.utils.colour import CACHED_TRANSFORMS, MOST_PROFILE_BYTES
from src.utils.preprocessing import PREVIEW_LONGEST_SIDE

_VALUES_BYTES = MOST_VALUES * 250
_HEADER_BYTES = 20 * 1024
_BYTES_PER_PIXEL = 20
_BYTES_PER_PIXEL_SAVED = 12
_PREVIEW_BYTES = PREVIEW_LONGEST_SIDE**2 * 3
_ANSWER_BYTES = 28 * _PREVIEW_BYTES


def memory_of_requests(settings: Settings, requests_at_once: int, input_side: int) -> int:
    """How much memory requests can take, however many come at once and whatever is in them.

    In bytes, beside what the process takes after its start:

          2 B                    bodies in flight: Robyn keeps each until it is answered, we its text or its frames
        + R F h                  what their pictures' headers say
        + W max(9 b + v, d)      what a worker is in the middle of: a body parsed, or a frame decoded and searched
        + 8 i                    transforms of colours that are kept for the next picture
        + E 2 (c + s)            crops of the requests that have their turn, two eyes per frame
        + T 28 c                 their answers: four previews, once as PNG, and as text up to five times on its way out
        + q + 12 p               pictures that wait for the disk, and the one being written; nothing without SAVE_...

        B  MAX_MEMORY_IN_FLIGHT_MB; one body more is answered 503
        R  MAX_REQUESTS_IN_FLIGHT;  F  MAX_FRAMES
        h  20 KiB: 64 places of pixels and 64 of a profile, the most that are kept (`jpeg_walk.py`)
        b  MAX_BODY_MB; 8.2 b is the most that was measured: an escaped character in the head of a data URI makes Python
           keep all of it in four bytes per character, and its base64 is copied twice
        v  200,000 values beside the pictures (`requests.py`) of at most 250 bytes
        d  20 p + b + 5 i: a frame, its file without metadata, and its profile on the way from packed to checked
        p  MAX_IMAGE_PIXELS; 18 bytes per pixel is the most that was measured, of WebP; 3 of them are the picture itself
        i  4 MiB, the largest profile that is read (`colour.py`); of 8 transforms of such, 24 MiB were measured
        c  512 x 512 x 3, the largest preview;  s  the network's input, 224 x 224 x 3
        q  what `image_store.py` lets wait
        W  workers;  T  requests that have a turn
        E  frames of these: MAX_FRAMES of the large one, at most 8 of each other

    It holds because a request keeps its place, its turn and its share of B until no thread works for it any more, also
    one that was given up (`within`, `workers.py`), and because crops are copies, so that no frame outlives its step.
    Not in it: bodies that are still being received, and answers that are being sent: those are Robyn's, which has no
    limit, but the gateway has. Nor what the allocator keeps for later.

    Args:
        settings: of the whole service.
        requests_at_once: how many have a turn.
        input_side: of the square that the network takes, in pixels.

    Returns:
        the sum above, in bytes.
    """
    bodies = 2 * settings.max_bytes_in_flight
    headers = settings.max_requests_in_flight * settings.max_frames * _HEADER_BYTES
    parsing = 9 * settings.max_body_bytes + _VALUES_BYTES
    decoding = _BYTES_PER_PIXEL * settings.max_image_pixels + settings.max_body_bytes + 5 * MOST_PROFILE_BYTES
    working = settings.worker_thread_count * max(parsing, decoding)
    transforms = CACHED_TRANSFORMS * MOST_PROFILE_BYTES
    frames = settings.max_frames + (requests_at_once - 1) * min(settings.max_frames, MOST_FRAMES_OF_SMALL)
    crops = frames * 2 * (_PREVIEW_BYTES + input_side**2 * 3)
    saving = settings.save_temp_images or settings.save_eyes
    disk = MOST_WAITING_BYTES + _BYTES_PER_PIXEL_SAVED * settings.max_image_pixels if saving else 0
    return bodies + headers + working + transforms + crops + requests_at_once * _ANSWER_BYTES + disk
