// How sharp a picture is: the variance of its Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield
// microscopy: a comparative study", ICPR 2000). Edges of a sharp picture make the Laplacian large in places; blur flattens
// it everywhere. It compares pictures of one scene with each other and says nothing of different scenes.

import { canvasOf } from "./pictures.js";

const MEASURED_WIDTH = 256;
// Where the oval asks the face to be, as shares of the picture: a sharp bookshelf behind a blurred face must not count.
const REGION = { x: 0.25, y: 0.1, width: 0.5, height: 0.8 };
// The variance at which `blur` is one half.
const HALF_BLUR_VARIANCE = 100;

// Variance of the 4-neighbour Laplacian of grey levels 0-255; `grey` has width * height values, row by row.
export function laplacianVariance(grey, width, height) {
  let sum = 0;
  let sumOfSquares = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x;
      const value = grey[at - width] + grey[at + width] + grey[at - 1] + grey[at + 1] - 4 * grey[at];
      sum += value;
      sumOfSquares += value * value;
    }
  }
  const count = Math.max(1, (width - 2) * (height - 2));
  return sumOfSquares / count - (sum / count) ** 2;
}

// Grey levels by ITU-R BT.601 of RGBA pixels.
export function greyLevels(rgba) {
  const grey = new Float32Array(rgba.length / 4);
  for (let at = 0; at < grey.length; at += 1) {
    grey[at] = 0.299 * rgba[4 * at] + 0.587 * rgba[4 * at + 1] + 0.114 * rgba[4 * at + 2];
  }
  return grey;
}

export function sharpnessOf(canvas) {
  const width = Math.min(MEASURED_WIDTH, Math.round(canvas.width * REGION.width));
  const height = Math.round((width * canvas.height * REGION.height) / (canvas.width * REGION.width));
  const small = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  small.drawImage(
    canvas,
    canvas.width * REGION.x, canvas.height * REGION.y, canvas.width * REGION.width, canvas.height * REGION.height,
    0, 0, width, height,
  );
  return laplacianVariance(greyLevels(small.getImageData(0, 0, width, height).data), width, height);
}

// The `blur` of a frame: 0 for endlessly sharp, 1 for nothing but blur.
export const blurOf = (sharpness) => 1 / (1 + sharpness / HALF_BLUR_VARIANCE);

// The `count` sharpest frames ({ sharpness }), in the order in which they were taken.
export function sharpest(frames, count) {
  const chosen = new Set([...frames].sort((a, b) => b.sharpness - a.sharpness).slice(0, count));
  return frames.filter((frame) => chosen.has(frame));
}
