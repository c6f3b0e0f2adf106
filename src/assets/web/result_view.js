// The answer: a card per eye, what was sent, and which model said so. On paper it is a report of one page.

import { photoWithBoxes } from "./boxes.js";
import { announce, byId, el, icon, showAndFocus } from "./elements.js";
import { NOT_DETECTED, eyeCard, isDetected, spokenVerdict } from "./eye_card.js";
import { formatBriefSeconds, formatMoment, labels, problems, result as texts } from "./texts.js";

const pageTitle = document.title;
const missing = { best_prediction: NOT_DETECTED };

// answer: see service.js; sent: see `run` in main.js.
export function showResult(answer, { pictures, isCamera, eye: said, notes }) {
  const now = new Date();
  const eyes = namedEyes(answer.eyes);
  const found = eyes.map(([, eye]) => eye).filter(isDetected);
  const faces = answer.facesSeen > 1 ? [texts.faces(answer.facesSeen)] : [];
  const unused = said && found.every((eye) => eye.side_from !== "caller") ? [texts.notAsSaid] : [];
  const source = isCamera ? texts.fromCamera(pictures.length) : texts.fromPhoto;
  const sure = found.filter((eye) => !eye.reasons.includes("not_an_eye"));
  byId("result-found").textContent = texts.heading(found.length, sure.length);
  byId("result-date").textContent = formatMoment(now);
  byId("result-date").dateTime = now.toISOString();
  byId("result-source").textContent = source;
  byId("eyes").replaceChildren(...eyes.map(([name, eye]) => eyeCard(name, eye, answer.model?.calibrated ?? false)));
  byId("eyes").dataset.count = eyes.length;
  byId("result-notes").replaceChildren(
    ...[...faces, ...notes, ...unused, ...frameNotes(answer, pictures)].map(noteLine),
  );
  byId("sent").replaceChildren(...(isCamera ? pictures.map(sentFrame) : [sentPhoto(pictures[0], eyes)]));
  byId("about").replaceChildren(...aboutRows(answer));
  // Browsers offer it as the name of the PDF.
  document.title = texts.reportTitle(now);
  showAndFocus(byId("result"), byId("result-heading"));
  announce(texts.announce([...faces, ...eyes.map(([name, eye]) => spokenVerdict(name, eye))]));
}

export function hideResult() {
  document.title = pageTitle;
  byId("result").hidden = true;
}

// As one looks at a person: the right eye first. Of a face an eye may be missing; a close-up has one eye, whose key in the
// answer does not say its side.
function namedEyes({ left_eye, right_eye }) {
  const seen = [right_eye, left_eye].filter(isDetected);
  if (seen.some((eye) => eye.side === "unknown")) return seen.map((eye) => ["unknown", eye]);
  const bySide = ["right", "left"].map((side) => [`${side}_eye`, seen.find((eye) => eye.side === side) ?? missing]);
  const isFace = !seen.length || seen.some((eye) => eye.side_from === "face");
  return isFace ? bySide : bySide.filter(([, eye]) => isDetected(eye));
}

function frameNotes({ frameErrors }, pictures) {
  if (!frameErrors.length) return [];
  const lines = frameErrors.map(({ error }) => problems.sentence(error));
  return [texts.frameErrors(frameErrors.length, pictures.length), ...lines];
}

function noteLine(sentence) {
  return el("p", { class: "note" }, icon("info"), el("span", {}, sentence));
}

// Which frame was the sharpest, and has the boxes, the answer does not say.
function sentFrame({ url }, index, all) {
  return el("img", { src: url, alt: texts.sentFrame(index + 1, all.length) });
}

function sentPhoto(photo, eyes) {
  const figure = el("figure", {});
  photoWithBoxes(photo, eyes).then((children) => figure.append(...children));
  return figure;
}

function aboutRows({ model, seconds, requestId }) {
  const rows = [
    ...(model
      ? [
          [labels.aboutModel, model.name],
          [labels.aboutHash, el("code", {}, model.hash)],
          [labels.aboutPrecision, model.precision],
          [labels.aboutScores, model.calibrated ? texts.calibrated : texts.notCalibrated],
        ]
      : []),
    [labels.aboutTime, formatBriefSeconds(seconds)],
    ...(requestId ? [[labels.aboutRequest, el("code", {}, requestId)]] : []),
  ];
  return rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
}
