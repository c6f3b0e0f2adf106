// The camera: three seconds of it, and the sharpest frames of these.

import { blurOf, sharpest, sharpnessOf } from "./sharpness.js";
import { findFace } from "./face_finder.js";
import { blobOf, canvasOf, dataUriOf } from "./pictures.js";

const SECONDS = 3;
const MILLISECONDS_BETWEEN_FRAMES = 180;
const FRAMES_SENT = 5;
// A frame of this size is about 1 MB as PNG, so that five of them are a request of about 6 MB.
const LONGEST_SIDE = 960;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Rejects with the browser's DOMException, or with one named "insecure" where pages get no camera at all.
export async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "insecure");
  return navigator.mediaDevices.getUserMedia({
    video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
    audio: false,
  });
}

export function closeCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

// Records for three seconds: canvases with their sharpness. onProgress(share) goes from 0 to 1; null after `signal`.
// Rejects when the camera has gone, or its pictures cannot be had.
export async function recordFrames(video, { signal, onProgress }) {
  const frames = [];
  const started = performance.now();
  for (let share = 0; share < 1; share = (performance.now() - started) / (SECONDS * 1000)) {
    const canvas = frameOf(video);
    frames.push({ canvas, sharpness: sharpnessOf(canvas) });
    onProgress(share);
    await pause(MILLISECONDS_BETWEEN_FRAMES);
    if (signal.aborted) return null;
    if (!video.srcObject?.active) throw new Error("the camera has gone");
  }
  onProgress(1);
  return frames;
}

// The sharpest frames as /predict takes them: { image, score, blur, box }. No face finder of a browser gives a score.
export function framesToSend(frames) {
  return Promise.all(
    sharpest(frames, FRAMES_SENT).map(async ({ canvas, sharpness }) => ({
      image: await dataUriOf(await blobOf(canvas, "image/png")),
      score: null,
      blur: blurOf(sharpness),
      box: await findFace(canvas),
    })),
  );
}

// As the camera gives it: neither mirrored, as people see themselves, nor squeezed to a square.
function frameOf(video) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = canvasOf(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}
