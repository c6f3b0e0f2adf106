// How a page picks frames of its camera and asks /predict: take a dozen, send the sharpest five.
//
//   const frames = await record(video, finder);
//   const answer = await predict("https://eyenet.example.org", frames, key);
//
// Sharp is where the Laplacian of the picture varies (Pech-Pacheco et al., "Diatom autofocusing in brightfield
// microscopy: a comparative study", ICPR 2000). It compares pictures of one scene; of different scenes it says nothing.

import { ask } from "./eyenet.mjs";

const FRAMES_TAKEN = 12;
const FRAMES_SENT = 5;
const MILLISECONDS_BETWEEN_FRAMES = 150;
// The variance at which `blur` is one half.
const HALF_BLUR_VARIANCE = 100;

// Variance of the Laplacian of grey levels (0-255, ITU-R BT.601), of { data, width, height } as getImageData gives it.
export function sharpness({ data, width, height }) {
  const grey = Float32Array.from(
    { length: width * height },
    (_, at) => 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2],
  );
  let sum = 0;
  let sumOfSquares = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x;
      const value = grey[at - width] + grey[at + width] + grey[at - 1] + grey[at + 1] - 4 * grey[at];
      sum += value;
      sumOfSquares += value ** 2;
    }
  }
  const count = (width - 2) * (height - 2);
  return sumOfSquares / count - (sum / count) ** 2;
}

// The frames to send, sharpest first, of { image, pixels, score, box }: what /predict takes.
//   image   data URI or bare base64
//   pixels  of the face, or of the whole picture: { data, width, height }
//   score   of the face finder, or null
//   box     { x, y, w, h } where it saw the face, in pixels of the image, or null
export function sharpest(frames, count = FRAMES_SENT) {
  return frames
    .map(({ image, pixels, score = null, box = null }) => ({ image, score, box, sharpness: sharpness(pixels) }))
    .sort((one, other) => other.sharpness - one.sharpness)
    .slice(0, count)
    .map(({ image, score, box, sharpness: value }) => ({
      image,
      score,
      // 0 is endlessly sharp, 1 nothing but blur.
      blur: 1 / (1 + value / HALF_BLUR_VARIANCE),
      box,
    }));
}

export function predict(url, frames, key) {
  return ask(url, "/predict", sharpest(frames), key);
}

// In a browser: frames of a <video> that plays the camera. `finder(canvas)` may say { score, box }, or null.
export async function record(video, finder = () => null) {
  const frames = [];
  for (let taken = 0; taken < FRAMES_TAKEN; taken += 1) {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0);
    const face = await finder(canvas);
    const { x, y, w, h } = face?.box ?? { x: 0, y: 0, w: canvas.width, h: canvas.height };
    frames.push({ image: canvas.toDataURL("image/png"), pixels: context.getImageData(x, y, w, h), ...face });
    await new Promise((resolve) => setTimeout(resolve, MILLISECONDS_BETWEEN_FRAMES));
  }
  return frames;
}
