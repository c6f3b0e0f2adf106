// The answer: a card per eye, what was sent, and which model said so. On paper it is a report of one page.

import { announce, byId, el, icon, showAndFocus } from "./elements.js";
import { eyeCard, isDetected, spokenVerdict } from "./eye_card.js";
import { formatBriefSeconds, formatMoment, labels, problems, result as texts } from "./texts.js";

const pageTitle = document.title;

// answer: see service.js; sent: { thumbnails, isCamera, notes }, notes being sentences for the reader.
export function showResult(answer, { thumbnails, isCamera, notes }) {
  const now = new Date();
  const eyes = namedEyes(answer.eyes);
  const source = isCamera ? texts.fromCamera(thumbnails.length) : texts.fromPhoto;
  byId("result-date").textContent = formatMoment(now);
  byId("result-date").dateTime = now.toISOString();
  byId("result-source").textContent = source;
  byId("eyes").replaceChildren(...eyes.map(([name, eye]) => eyeCard(name, eye, answer.model?.calibrated ?? false)));
  byId("eyes").dataset.count = eyes.length;
  byId("result-notes").replaceChildren(...[...notes, ...frameNotes(answer, thumbnails)].map(noteLine));
  byId("sent").replaceChildren(...thumbnails.map(sentPicture));
  byId("about").replaceChildren(...aboutRows(answer));
  // Browsers offer it as the name of the PDF.
  document.title = texts.reportTitle(now);
  showAndFocus(byId("result"), byId("result-heading"));
  announce(texts.announce(eyes.map(([name, eye]) => spokenVerdict(name, eye))));
}

export function hideResult() {
  document.title = pageTitle;
  byId("result").hidden = true;
}

// As one looks at a person: the right eye first. A photo of one eye is one card, not one and a missing one.
function namedEyes({ left_eye: left, right_eye: right }) {
  if (left.found_by === "whole_picture" && !isDetected(right)) return [["unknown", left]];
  return [["right_eye", right], ["left_eye", left]];
}

function frameNotes({ frameErrors }, thumbnails) {
  if (!frameErrors.length) return [];
  const lines = frameErrors.map(({ error }) => problems.sentence(error));
  return [texts.frameErrors(frameErrors.length, thumbnails.length), ...lines];
}

function noteLine(sentence) {
  return el("p", { class: "note" }, icon("info"), el("span", {}, sentence));
}

function sentPicture(url, index, all) {
  const alt = all.length === 1 ? texts.sentPhoto : texts.sentFrame(index + 1, all.length);
  return el("img", { src: url, alt });
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
