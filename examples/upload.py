"""Sends a photo to EyeNet and prints what it says of each eye: python upload.py photo.jpg

EYENET_URL says where the service is (http://localhost:8000), EYENET_API_KEY holds a key if it asks for one.
Needs httpx: pip install httpx
"""

from __future__ import annotations

import base64
import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx

ATTEMPTS = 4
# Not now, but perhaps soon; whatever else is wrong stays wrong.
WORTH_ANOTHER_TRY = {429, 502, 503, 504}


class Refused(Exception):
    """The service answered with an error; `str(error)` is its sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def ask(client: httpx.Client, path: str, payload: Any) -> dict[str, Any]:
    """The answer to the payload. Tries again, a few times, where the service asks for it.

    Raises:
        Refused: the service answered with an error.
        httpx.TransportError: there was no answer.
    """
    for attempt in range(1, ATTEMPTS + 1):
        answer = client.post(path, json=payload)
        if answer.status_code not in WORTH_ANOTHER_TRY or attempt == ATTEMPTS:
            break
        time.sleep(float(answer.headers.get("Retry-After", 2**attempt)))
    if answer.is_success:
        return dict(answer.json())
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        # Somebody between us and the service answered.
        raise Refused("unknown", f"HTTP {answer.status_code}")
    error = answer.json()["body"]
    raise Refused(error["code"], error["error"])


def describe(answer: dict[str, Any]) -> list[str]:
    """A line for each eye, for a person. One whose side is not known is the only one, and stands under `left_eye`."""
    left, right = answer["left_eye"], answer["right_eye"]
    if left.get("side") == "unknown":
        return [line_of("Eye of unknown side", left)]
    return [line_of("Left eye", left), line_of("Right eye", right)]


def line_of(side: str, eye: dict[str, Any]) -> str:
    if eye["best_prediction"] == "Not Detected":
        return f"{side}: not seen"
    line = f"{side}: {eye['best_prediction']}, {eye['confidence']:.0f} %"
    return f"{line}, inconclusive: {', '.join(eye['reasons'])}" if eye["inconclusive"] else line


def main() -> int:
    if len(sys.argv) != 2:
        print("Usage: python upload.py photo.jpg", file=sys.stderr)
        return 2
    key = os.environ.get("EYENET_API_KEY")
    photo = base64.b64encode(Path(sys.argv[1]).read_bytes()).decode()
    url = os.environ.get("EYENET_URL", "http://localhost:8000")
    with httpx.Client(base_url=url, headers={"X-API-Key": key} if key else {}, timeout=90) as client:
        try:
            answer = ask(client, "/upload", {"image": photo})
        except Refused as error:
            print(f"{error} ({error.code})", file=sys.stderr)
            return 1
        except httpx.TransportError as error:
            print(f"No answer from {url}: {error}", file=sys.stderr)
            return 1
    print(*describe(answer), answer["notice"], sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
