// An error as a sentence, what to do about it, and another try where that makes sense.

import { askForKey } from "./access_key.js";
import { byId, el, showAndFocus } from "./elements.js";
import { advice, problems as texts, tips } from "./texts.js";

// After that many failures in a row only a person tries again.
const MOST_AUTOMATIC_TRIES = 5;
// Errors that say nothing against the picture, though the service names no time for another try.
const MAY_PASS = new Set(["unauthorized", "internal_error", "strange_answer"]);

let counting = 0;
let tries = 0;

// error: a ServiceError. retry(): sends the same once more.
export function showProblem(error, retry) {
  const isWorthATry = error.retryAfter !== null || MAY_PASS.has(error.code);
  const helpful = error.code === "no_eyes_detected" ? tips : [];
  byId("problem-heading").textContent = texts.heading(error.code);
  byId("problem-sentence").textContent = texts.sentence(error.message);
  byId("problem-advice").textContent = advice[error.code] ?? "";
  byId("problem-tips").replaceChildren(...helpful.map((tip) => el("li", {}, tip)));
  byId("problem-countdown").textContent = "";
  byId("problem-announcement").textContent = "";
  byId("problem-retry").hidden = !isWorthATry;
  byId("problem-stop").hidden = true;
  byId("problem-retry").onclick = () => {
    forgetTries();
    hideProblem();
    retry();
  };
  showAndFocus(byId("problem"), byId("problem-heading"));
  if (error.code === "unauthorized") askForKey();
  else if (error.retryAfter !== null && tries < MOST_AUTOMATIC_TRIES) countDown(error.retryAfter, retry);
}

export function hideProblem() {
  clearInterval(counting);
  byId("problem").hidden = true;
}

// Something worked, or something else was asked.
export function forgetTries() {
  tries = 0;
}

function countDown(seconds, retry) {
  let left = seconds;
  const show = () => {
    byId("problem-countdown").textContent = texts.retryIn(left);
  };
  // Seen by everybody each second, read aloud once.
  byId("problem-announcement").textContent = texts.retryAnnounce(seconds);
  byId("problem-stop").hidden = false;
  byId("problem-stop").onclick = () => {
    clearInterval(counting);
    byId("problem-countdown").textContent = "";
    byId("problem-stop").hidden = true;
    byId("problem-retry").focus();
  };
  show();
  counting = setInterval(() => {
    left -= 1;
    show();
    if (left > 0) return;
    tries += 1;
    hideProblem();
    retry();
  }, 1000);
}
