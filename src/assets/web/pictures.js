// From files and canvases to what the service takes: data URIs.

// MAX_BODY_MB of the service is 48 unless its operator says otherwise; base64 makes four bytes of three.
const LARGEST_BODY_BYTES = 48 * 1024 * 1024;
const JSON_AROUND_BYTES = 1024;
// Large enough that an eye in a portrait keeps more pixels than the model looks at.
const SMALLER_LONGEST_SIDE = 4096;
const SMALLER_QUALITY = 0.92;
const READ_BY_THE_SERVICE = new Set(["image/jpeg", "image/png", "image/webp", "image/bmp", "image/x-ms-bmp"]);

export const fitsInARequest = (blob) => (blob.size * 4) / 3 + JSON_AROUND_BYTES <= LARGEST_BODY_BYTES;

// Other pictures that the browser can show are worth a conversion; anything else the service shall judge itself.
export const needsConversion = (file) => file.type.startsWith("image/") && !READ_BY_THE_SERVICE.has(file.type);

// Not an OffscreenCanvas, which Safari has only since 16.4.
export function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

// Rejects where the browser makes no file of the canvas: it is too large, or has no pixels.
export function blobOf(canvas, type, quality) {
  return new Promise((resolve, reject) => {
    const take = (blob) => (blob ? resolve(blob) : reject(new Error("no picture")));
    canvas.toBlob(take, type, quality);
  });
}

// Rejects with the FileReader's error when the file is gone.
export function dataUriOf(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

// The picture as JPEG, upright, its longest side at most 4096 pixels: { blob, width, height }; null if the browser cannot
// show it either, or cannot make it smaller.
export async function asSmallerJpeg(file) {
  try {
    return await smallerJpeg(await createImageBitmap(file));
  } catch {
    return null;
  }
}

async function smallerJpeg(bitmap) {
  const scale = Math.min(1, SMALLER_LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = canvasOf(
    Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)),
  );
  const context = canvas.getContext("2d");
  // JPEG has no transparency; the service puts white behind it as well.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await blobOf(canvas, "image/jpeg", SMALLER_QUALITY);
  return { blob, width: canvas.width, height: canvas.height };
}

// The first file in what was dropped or pasted, pictures first; null if there is none.
export function firstPicture(files) {
  const all = [...files];
  return all.find((file) => file.type.startsWith("image/")) ?? all[0] ?? null;
}
