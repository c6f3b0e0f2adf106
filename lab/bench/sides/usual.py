"""The usual way, written plainly: a thread per frame, `model.predict`, and a Grad-CAM model built per request.

The model, dlib's detector and the cascades are loaded once. A lock stands around dlib and the cascades, which threads
must not share, and a second one around the gradient tape: TensorFlow 2.14 aborts when threads run a Keras model eagerly
at the same time. Of each eye, `model.predict` gives the scores, and a second Keras model is built and run eagerly under
a gradient tape for the heatmap. Previews are PNGs with Pillow's defaults. The score is the softmax's, not calibrated,
and nothing is said of the picture's quality; an answer has the service's shape without these.

Tuned as its users would: FastAPI's plain functions, so that requests run side by side, but not more of them than twice
the cores, because more would only wait for the locks. Faces are looked for at 640 pixels. Switching oneDNN off instead
of the second lock took 1.2 times as long.
"""

from __future__ import annotations

import base64
import io
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import cv2
import dlib
import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException
from PIL import Image, ImageOps
from pydantic import BaseModel

from src.config.settings import load_settings
from src.services.assets import prepare_assets
from src.services.tensorflow_runtime import keras, tf
from src.utils.preprocessing import to_network_input

PREVIEW_LONGEST_SIDE = 512
DETECTION_SIDE = 640
LEFT_EYE, RIGHT_EYE = range(42, 48), range(36, 42)

settings = load_settings()
assets = prepare_assets()
model = keras.models.load_model(settings.model_path, compile=False)
face_detector = dlib.get_frontal_face_detector()
landmark_predictor = dlib.shape_predictor(str(assets.landmarks))
face_cascade = cv2.CascadeClassifier(str(assets.face_cascade))
eye_cascade = cv2.CascadeClassifier(str(assets.eye_cascade))
detector_lock = threading.Lock()
grad_cam_lock = threading.Lock()


class PictureIn(BaseModel):
    """Body of an /upload, and a frame of a /predict, whose box is not looked at."""

    image: str


class EyeSeen:
    """One eye of one frame with what the model says of it."""

    def __init__(self, side: str, crop: Any) -> None:
        self.side = side
        self.crop = crop
        self.sharpness = float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())
        pixels = to_network_input(crop, 224)[np.newaxis].astype(np.float32) / 255.0
        self.scores = model.predict(pixels, verbose=0)[0]
        self.heatmap = grad_cam(pixels, int(self.scores.argmax()))


def grad_cam(pixels: Any, class_index: int) -> Any:
    """The class's heatmap, 0 to 1, 7 x 7."""
    layer = model.get_layer(settings.grad_cam_layer)
    grad_model = keras.Model(model.inputs, [layer.output, model.output])
    with grad_cam_lock:
        with tf.GradientTape() as tape:
            activations, predictions = grad_model(pixels)
            score = predictions[:, class_index]
        gradients = tape.gradient(score, activations)
    weights = tf.reduce_mean(gradients, axis=(0, 1, 2))
    heatmap = tf.nn.relu(tf.reduce_sum(activations[0] * weights, axis=-1))
    largest = tf.reduce_max(heatmap)
    return (heatmap / largest if largest > 0 else heatmap).numpy()


def decode(image: str) -> Any:
    data = base64.b64decode(image.split(",", 1)[-1])
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


def find_eyes(picture: Any) -> list[tuple[str, Any]]:
    """(side, crop) of each eye of the largest face; large pictures are searched at 640 pixels."""
    scale = max(1.0, max(picture.shape[:2]) / DETECTION_SIDE)
    small = picture
    if scale > 1:
        small = cv2.resize(picture, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    with detector_lock:
        faces = face_detector(grey, 0)
        if faces:
            face = max(faces, key=lambda found: found.area())
            shape = landmark_predictor(grey, face)
            points = np.array([(part.x, part.y) for part in shape.parts()]) * scale
            return [
                ("left_eye", padded_crop(picture, points[LEFT_EYE], face.width() * scale)),
                ("right_eye", padded_crop(picture, points[RIGHT_EYE], face.width() * scale)),
            ]
        return eyes_by_cascades(small, grey)


def eyes_by_cascades(picture: Any, grey: Any) -> list[tuple[str, Any]]:
    for x, y, width, height in face_cascade.detectMultiScale(grey, 1.1, 5, minSize=(60, 60)):
        eyes = eye_cascade.detectMultiScale(grey[y : y + height // 2, x : x + width], 1.1, 5)
        found = {}
        for eye_x, eye_y, eye_width, eye_height in eyes:
            side = "right_eye" if eye_x + eye_width / 2 < width / 2 else "left_eye"
            top, left = y + eye_y, x + eye_x
            found[side] = picture[top : top + eye_height, left : left + eye_width]
        if len(found) == 2:
            return list(found.items())
    return []


def padded_crop(picture: Any, points: Any, face_width: float) -> Any:
    scale = face_width / 200
    pad_x, pad_y = settings.crop_padding_x * scale, settings.crop_padding_y * scale
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    top, bottom = max(0, int(top - pad_y)), int(bottom + pad_y / 2)
    return picture[top:bottom, max(0, int(left - pad_x)) : int(right + pad_x)]


def preview_uri(picture: Any) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((PREVIEW_LONGEST_SIDE, PREVIEW_LONGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def overlay(crop: Any, heatmap: Any) -> Any:
    height, width = crop.shape[:2]
    colours = cv2.applyColorMap((255 * cv2.resize(heatmap, (width, height))).astype(np.uint8), cv2.COLORMAP_JET)
    return cv2.addWeighted(crop, 0.6, cv2.cvtColor(colours, cv2.COLOR_BGR2RGB), 0.4, 0)


def eye_answer(seen: list[EyeSeen]) -> dict[str, Any]:
    scores = np.mean([eye.scores for eye in seen], axis=0) * 100
    best = max(seen, key=lambda eye: eye.sharpness)
    return {
        "average_scores": {name: round(float(score), 2) for name, score in zip(settings.classes, scores, strict=True)},
        "best_prediction": settings.classes[int(scores.argmax())],
        "image_preview": preview_uri(best.crop),
        "grad_cam_preview": preview_uri(overlay(best.crop, best.heatmap)),
        "frames_seen": len(seen),
    }


def predict(frames: list[PictureIn]) -> dict[str, Any]:
    """POST /predict."""
    seen: list[EyeSeen] = []

    def process(image: str) -> None:
        for side, crop in find_eyes(decode(image)):
            seen.append(EyeSeen(side, crop))

    threads = [threading.Thread(target=process, args=(frame.image,)) for frame in frames]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not seen:
        raise HTTPException(400, "No valid eye images detected")
    body = {}
    for side in ("left_eye", "right_eye"):
        of_side = [eye for eye in seen if eye.side == side]
        unseen = {"average_scores": dict.fromkeys(settings.classes, 0.0), "best_prediction": "Not Detected"}
        body[side] = eye_answer(of_side) if of_side else {**unseen, "image_preview": None, "grad_cam_preview": None}
    return {"status_code": 200, "body": body}


def upload(picture: PictureIn) -> dict[str, Any]:
    """POST /upload."""
    pixels = decode(picture.image)
    eyes = find_eyes(pixels) or [("left_eye", pixels)]
    answers: dict[str, Any] = {side: {"best_prediction": "Not Detected"} for side in ("left_eye", "right_eye")}
    for side, crop in eyes:
        answers[side] = eye_answer([EyeSeen(side, crop)])
    return answers


async def health() -> dict[str, Any]:
    """GET /health."""
    return {"status": 200, "message": "Healthy"}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Before the first request: room for so many requests, and one prediction so that Keras has built its graph."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = 2 * (os.cpu_count() or 1)
    EyeSeen("left_eye", np.full((224, 224, 3), 128, np.uint8))
    yield


app = FastAPI(lifespan=lifespan)
app.add_api_route("/predict", predict, methods=["POST"])
app.add_api_route("/upload", upload, methods=["POST"])
app.add_api_route("/health", health, methods=["GET"])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
