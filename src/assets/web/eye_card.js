// One eye's card: pictures, verdict, confidence, scores, and why not to rely on them.

import { el, icon } from "./elements.js";
import { classes, eye as texts, formatPercent, reasons, unknownReason } from "./texts.js";

const HEATMAP_AT_FIRST = 60;
export const NOT_DETECTED = "Not Detected";

export const isDetected = (eye) => eye.best_prediction !== NOT_DETECTED;

// name: "right_eye", "left_eye" or "unknown"; eye: as the service answers it; isCalibrated: the model's.
export function eyeCard(name, eye, isCalibrated) {
  if (!isDetected(eye)) return notDetectedCard(name);
  return el(
    "article",
    { class: "eye", "data-eye": name, "data-inconclusive": eye.inconclusive, "aria-labelledby": `${name}-title` },
    header(name, eye.inconclusive ? texts.inconclusive : null, eye.side_from),
    pictures(name, eye),
    el(
      "div",
      { class: "words" },
      verdict(eye),
      eye.reasons.length ? doubts(eye.reasons) : null,
      confidence(eye, isCalibrated),
      scores(eye),
      el("p", { class: "small" }, texts.found(eye.found_by, eye.frames_seen)),
    ),
  );
}

// One sentence for a screen reader.
export function spokenVerdict(name, eye) {
  if (!isDetected(eye)) return texts.announce(name, `${texts.notDetected}.`);
  const lead = eye.inconclusive ? texts.inconclusiveLead : texts.verdict;
  return texts.announce(name, `${eye.inconclusive ? `${texts.inconclusive}. ` : ""}${lead(eye.best_prediction)}`);
}

function notDetectedCard(name) {
  return el(
    "article",
    { class: "eye not-detected", "data-eye": name, "aria-labelledby": `${name}-title` },
    header(name, texts.notDetected),
    el("div", { class: "nothing" }, icon("eye-off")),
    el("p", {}, texts.notDetectedText),
    el("p", { class: "small" }, texts.notDetectedAdvice),
  );
}

function header(name, badge, sideFrom = null) {
  const whose = texts.whose[name];
  return el(
    "header",
    { class: "eye-header" },
    el("h3", { id: `${name}-title` }, texts.title(name)),
    el("span", { class: "small" }, sideFrom ? `${whose}, ${texts.sideFrom(sideFrom)}` : whose),
    badge ? el("strong", { class: "badge" }, icon("doubt"), badge) : null,
  );
}

function pictures(name, eye) {
  const views = el("div", { class: "views" }, view("photo", eye.image_preview, texts.pictureAlt(name), texts.picture));
  if (!eye.grad_cam_preview) {
    return el("div", { class: "pictures" }, views, el("p", { class: "small" }, texts.noHeatmap));
  }
  views.append(view("heat", eye.grad_cam_preview, texts.heatmapAlt(name, eye.best_prediction), texts.heatmap));
  return el("div", { class: "pictures" }, views, fader(name, views));
}

function view(kind, source, alt, caption) {
  return el("figure", { class: kind }, el("img", { src: source, alt }), el("figcaption", {}, caption));
}

function fader(name, views) {
  const slider = el("input", {
    type: "range", min: "0", max: "100", step: "5", value: String(HEATMAP_AT_FIRST), "aria-label": texts.fade(name),
  });
  const show = () => {
    views.style.setProperty("--heat", String(slider.value / 100));
    slider.setAttribute("aria-valuetext", texts.fadeValue(Number(slider.value)));
  };
  slider.addEventListener("input", show);
  show();
  const ends = [texts.picture, texts.heatmap].map((text) => el("span", { "aria-hidden": "true" }, text));
  return el(
    "div",
    { class: "fader" },
    el("div", { class: "fader-row" }, ends[0], slider, ends[1]),
    el("p", { class: "small" }, texts.heatmapHint),
  );
}

function verdict(eye) {
  // What an answer means is of no use where it means nothing.
  const meaning = eye.inconclusive ? null : classes[eye.best_prediction];
  return el(
    "div",
    { class: "verdict" },
    eye.inconclusive
      ? el("p", { class: "verdict-line" }, texts.inconclusiveLead(eye.best_prediction))
      : el(
          "p",
          { class: "verdict-line" },
          el("span", { class: "most-like" }, `${texts.mostLike}: `),
          el("strong", {}, eye.best_prediction),
        ),
    meaning ? el("p", { class: "small" }, meaning) : null,
  );
}

function confidence(eye, isCalibrated) {
  const isReliable = !eye.inconclusive;
  const reliable = isCalibrated ? texts.confidence : texts.uncalibrated;
  const value = (isReliable ? reliable : texts.unreliable)(eye.confidence);
  return el(
    "p",
    { class: "confidence" },
    el("span", { class: "small" }, `${texts.confidenceLabel}: `),
    el("span", { class: "confidence-value" }, value),
    isReliable && isCalibrated ? el("span", { class: "small expected" }, texts.expected(eye.expected_precision)) : null,
  );
}

function scores(eye) {
  const rows = Object.entries(eye.average_scores).map(([name, percent]) => {
    const isBest = name === eye.best_prediction;
    const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "bar-fill" }));
    bar.style.setProperty("--share", `${percent}%`);
    return el(
      "div",
      { class: isBest ? "score best" : "score" },
      el("dt", {}, name, isBest ? el("span", { class: "visually-hidden" }, `, ${texts.highest}`) : null),
      el("dd", {}, bar, el("span", { class: "score-value" }, formatPercent(percent))),
    );
  });
  return el("dl", { class: "scores", "aria-label": texts.scores }, ...rows);
}

function doubts(codes) {
  const items = codes.map((code) => {
    const { what, advice } = reasons[code] ?? unknownReason(code);
    return el("li", { "data-reason": code }, el("strong", {}, what), " ", el("span", { class: "advice" }, advice));
  });
  return el("div", { class: "doubts" }, el("h4", {}, icon("doubt"), texts.why), el("ul", {}, ...items));
}
