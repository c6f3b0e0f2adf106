"""What a good team would pick: FastAPI on uvicorn (uvloop, httptools), ONNX Runtime on the same weights, orjson.

Parsing, detection, cropping, measures of quality and previews are the service's own, so what differs is the server, the
engine, and who runs what on which thread. Grad-CAM is in closed form. Everything that an answer of the service holds is
computed but for `unfamiliarity`, which needs the output of a second layer, and is null here.

How the executor is set: passes of one thread each, and as many worker threads as cores. An /upload stays on one worker
from its body to its answer; the frames of a /predict, and then its eyes in as many batches as cores, run side by side.
Of what was tried on two cores, at 16 /upload at once:
one worker whose passes take both cores answers 0.68 times as many, two workers with two threads per pass 0.97 times,
and a third worker changes nothing beyond the noise. Threads do not spin between passes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

from lab.bench.sides.onnx import OnnxClassifier, converted_model
from src.api.requests import parse_frames, parse_upload
from src.config.settings import Settings, load_settings
from src.core.errors import EyeNetError, NoEyesDetected
from src.core.types import EyeCrop, EyePrediction, EyeSide, Frame
from src.services.assets import prepare_assets
from src.services.eye_crops import cut_eye
from src.services.eye_locator import EyeLocator
from src.services.grad_cam import lay_over
from src.services.judgement import Thresholds, reasons_to_doubt
from src.services.model_file import read_model_card
from src.utils.data_uri import encode_data_uri
from src.utils.files import sha256_of
from src.utils.image_codec import decode_picture
from src.utils.png_writer import encode_png

_INPUT_SIDE = 224
_WARM_UP_BATCHES = (1, 2, 5)
_UNSEEN = {"best_prediction": "Not Detected"}
_EYES = {"left_eye": (EyeSide.LEFT, EyeSide.UNKNOWN), "right_eye": (EyeSide.RIGHT,)}


class EyeApi:
    """The two routes, and the threads on which they work."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._locator = EyeLocator.from_settings(prepare_assets(), settings)
        self._sha256 = sha256_of(settings.model_path)
        card = read_model_card(settings.model_path, self._sha256)
        self._thresholds = Thresholds.from_settings(settings, card.least_confidence)
        self._calibrated = card.calibrated
        self._reliability = card.reliability
        self._fills_crops = card.fills_crops
        self._classifier = OnnxClassifier(converted_model(settings), card.temperature, threads=1)
        self._worker_threads = os.cpu_count() or 1
        self._workers = ThreadPoolExecutor(self._worker_threads)
        grey = np.full((_INPUT_SIDE, _INPUT_SIDE, 3), 128, np.uint8)
        for batch in _WARM_UP_BATCHES:
            self._classifier.classify([grey] * batch)

    async def upload(self, request: Request) -> Response:
        """POST /upload."""
        body = await request.body()
        return await self._answered(self._on_worker(self._answer_upload, body))

    async def predict(self, request: Request) -> Response:
        """POST /predict."""
        body = await request.body()
        return await self._answered(self._answer_predict(body))

    async def health(self) -> Response:
        """GET /health."""
        return _json({"status": 200, "message": "Healthy"})

    async def _answered(self, work: Any) -> Response:
        try:
            return _json(await work)
        except EyeNetError as error:
            sentence = str(error)
            body = {"error": sentence, "code": error.code}
            return _json({"status_code": error.status, "body": body, "message": sentence}, error.status)

    async def _on_worker(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *arguments)

    def _answer_upload(self, body: bytes) -> dict[str, Any]:
        frame, _told = parse_upload(body)
        crops = self._crops(frame)
        if not crops:
            raise NoEyesDetected
        eyes = self._eyes(crops, self._classifier.classify([crop.network_input for crop in crops]))
        return {**{name: eyes.get(name, _UNSEEN) for name in _EYES}, "model": self._model()}

    async def _answer_predict(self, body: bytes) -> dict[str, Any]:
        frames, failures = await self._on_worker(parse_frames, body, self._settings.max_frames)
        found = await asyncio.gather(*(self._on_worker(self._crops, frame) for frame in frames))
        crops = [crop for of_frame in found for crop in of_frame]
        if not crops:
            raise NoEyesDetected
        batches = _batches([crop.network_input for crop in crops], self._worker_threads)
        classified = await asyncio.gather(*(self._on_worker(self._classifier.classify, batch) for batch in batches))
        predictions = [prediction for batch in classified for prediction in batch]
        eyes = await self._on_worker(self._eyes, crops, predictions)
        no_scores = {"average_scores": dict.fromkeys(self._settings.classes, 0.0)}
        unseen = {**no_scores, **_UNSEEN, "image_preview": None, "grad_cam_preview": None}
        return {
            "status_code": 200,
            "body": {name: eyes.get(name, unseen) for name in _EYES},
            "frame_errors": [
                {"index": failure.index, "code": failure.error.code, "error": str(failure.error)}
                for failure in failures
            ],
            "model": self._model(),
        }

    def _crops(self, frame: Frame) -> list[EyeCrop]:
        picture = decode_picture(frame.data, self._settings.max_image_pixels)
        crops = [
            cut_eye(picture, eye, _INPUT_SIDE, filled=self._fills_crops)
            for eye in self._locator.find_eyes(picture, frame.box).eyes
        ]
        return [crop for crop in crops if crop is not None]

    def _eyes(self, crops: Sequence[EyeCrop], predictions: Sequence[EyePrediction]) -> dict[str, dict[str, Any]]:
        pairs = list(zip(crops, predictions, strict=True))
        seen = {name: [pair for pair in pairs if pair[0].side in sides] for name, sides in _EYES.items()}
        return {name: self._eye(pairs) for name, pairs in seen.items() if pairs}

    def _eye(self, seen: Sequence[tuple[EyeCrop, EyePrediction]]) -> dict[str, Any]:
        predictions = [prediction for _, prediction in seen]
        probabilities = np.mean([prediction.probabilities for prediction in predictions], axis=0).astype(np.float32)
        best = int(probabilities.argmax())
        sharpest, its_prediction = max(seen, key=lambda pair: pair[0].quality.sharpness)
        heatmap = its_prediction.heatmaps[best]
        qualities = [crop.quality for crop, _ in seen]
        reasons = reasons_to_doubt(probabilities, predictions, qualities, sharpest.quality, self._thresholds)
        scores = [round(float(probability) * 100, 2) for probability in probabilities]
        return {
            "average_scores": dict(zip(self._settings.classes, scores, strict=True)),
            "best_prediction": self._settings.classes[best],
            "image_preview": _preview(sharpest.preview),
            "grad_cam_preview": None
            if heatmap is None
            else _preview(lay_over(sharpest.preview, heatmap, sharpest.place)),
            "frames_seen": len(seen),
            "found_by": sharpest.source.value,
            "side": sharpest.side.value,
            "side_from": sharpest.side_from and sharpest.side_from.value,
            "box": dict(zip("xywh", astuple(sharpest.box), strict=True)),
            "confidence": scores[best],
            "expected_precision": self._expected_precision(best, float(probabilities[best])),
            "inconclusive": bool(reasons),
            "reasons": [reason.value for reason in reasons],
            "unfamiliarity": None,
        }

    def _expected_precision(self, best: int, score: float) -> float | None:
        found = None if self._reliability is None else self._reliability.expected_precision(best, score)
        return None if found is None else round(found, 3)

    def _model(self) -> dict[str, Any]:
        return {"name": self._settings.model_name, "hash": self._sha256[:12], "calibrated": self._calibrated}


def _batches(crops: Sequence[Any], count: int) -> list[Sequence[Any]]:
    """The crops in at most `count` parts of about equal size."""
    parts = min(count, len(crops))
    edges = [round(part * len(crops) / parts) for part in range(parts + 1)]
    return [crops[start:end] for start, end in pairwise(edges)]


def _preview(picture: Any) -> str:
    return encode_data_uri(encode_png(picture), "image/png")


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


if __name__ == "__main__":
    # Workers keep all cores busy; OpenCV's own threads would only queue behind them.
    cv2.setNumThreads(1)
    api = EyeApi(load_settings())
    app = FastAPI()
    app.add_api_route("/upload", api.upload, methods=["POST"])
    app.add_api_route("/predict", api.predict, methods=["POST"])
    app.add_api_route("/health", api.health, methods=["GET"])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
    )
