// What is shown while a request runs: how much has been sent, and for how long it has been analysed.

import { announce, byId, el, showAndFocus } from "./elements.js";
import { progress as texts } from "./texts.js";

const TICK_MILLISECONDS = 250;

let ticking = 0;

// thumbnails: URLs of the pictures on their way.
export function showProgress(thumbnails) {
  byId("progress-pictures").replaceChildren(...thumbnails.map((url) => el("img", { src: url, alt: "" })));
  byId("step-send").dataset.state = "running";
  byId("step-analyse").dataset.state = "waiting";
  byId("send-bar").value = 0;
  byId("send-text").textContent = texts.preparing;
  byId("analyse-bar").value = 0;
  byId("analyse-text").textContent = texts.waiting;
  showAndFocus(byId("progress"), byId("progress-heading"));
  announce(texts.announceSending);
}

export function showSent(sent, total) {
  byId("send-bar").value = total ? sent / total : 0;
  byId("send-text").textContent = texts.sending(sent, total);
}

export function showAnalysing(total) {
  const started = performance.now();
  const tick = () => {
    byId("analyse-text").textContent = texts.analysing(Math.floor((performance.now() - started) / 1000));
  };
  byId("send-bar").value = 1;
  byId("send-text").textContent = texts.sent(total);
  byId("step-send").dataset.state = "done";
  byId("step-analyse").dataset.state = "running";
  // Nobody knows how long it will take, so the bar does not say how far it is.
  byId("analyse-bar").removeAttribute("value");
  tick();
  clearInterval(ticking);
  ticking = setInterval(tick, TICK_MILLISECONDS);
  announce(texts.announceAnalysing);
}

export function hideProgress() {
  clearInterval(ticking);
  byId("progress").hidden = true;
}
