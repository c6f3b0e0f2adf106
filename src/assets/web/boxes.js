// Where the eyes are on the photo that was sent: a picture with a box around each, and the same in words.

import { el } from "./elements.js";
import { boxes as texts } from "./texts.js";

// photo: { blob, url } as it was sent; eyes: [name, eye] pairs, as `eyeCard` takes them. Resolves to elements.
export async function photoWithBoxes({ blob, url }, eyes) {
  const size = await sizeOf(blob);
  const found = size ? eyes.filter(([, eye]) => eye.box).map(([name, eye]) => inShares(name, eye, size)) : [];
  // The upper eye's label stands above its box and the lower one's below, so that they never cover each other.
  const drawn = [...found].sort((a, b) => a.y - b.y).flatMap(drawnBox);
  const picture = el("div", { class: "boxed" }, el("img", { src: url, alt: texts.alt(found.length) }), ...drawn);
  return found.length ? [picture, el("ul", { class: "small" }, ...found.map(inWords))] : [picture];
}

// In pixels, upright, as the service counts them: `naturalWidth` may be scaled by a resolution that the file names. Null
// if the browser cannot read the picture.
async function sizeOf(blob) {
  try {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return null;
  }
}

// The box in shares of the picture, so that it fits at whatever size that is shown.
function inShares(name, { box, reasons }, { width, height }) {
  const isSure = !reasons.includes("not_an_eye");
  return { name, isSure, x: box.x / width, y: box.y / height, w: box.w / width, h: box.h / height };
}

// Hidden from screen readers, which are told in words.
function drawnBox({ name, isSure, ...shares }, index) {
  const box = el("div", { class: "box", "aria-hidden": "true", "data-sure": String(isSure) });
  const label = el("span", { class: index ? "box-label below" : "box-label", "aria-hidden": "true" });
  label.append(el("span", {}, texts.label[name]));
  for (const [edge, share] of Object.entries(shares)) {
    for (const element of [box, label]) element.style.setProperty(`--${edge}`, `${100 * share}%`);
  }
  return [box, label];
}

function inWords({ name, x, y, w, h }) {
  const third = (centre) => Math.min(2, Math.max(0, Math.floor(3 * centre)));
  return el("li", {}, texts.where(name, third(x + w / 2), third(y + h / 2), Math.max(w, h)));
}
