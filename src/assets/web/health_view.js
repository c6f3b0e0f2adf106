// The line in the header that says whether the service can be asked, and which model answers.

import { byId } from "./elements.js";
import { askHealth } from "./service.js";
import { health as texts } from "./texts.js";

const ASK_AGAIN_MILLISECONDS = 3000;
const HASH_DIGITS = 12;
const WORDS = { Healthy: texts.ready, Starting: texts.starting, Draining: texts.draining };

let known = null;

// The model as answers describe it, for those that do not (the legacy envelope's); null before it is known.
export function knownModel() {
  return known && { ...known, hash: known.sha256.slice(0, HASH_DIGITS) };
}

// Asks until the service is ready, then no more.
export async function watchHealth() {
  const answer = await askHealth();
  const isReady = answer?.message === "Healthy";
  known = answer?.model ?? known;
  byId("health").dataset.state = isReady ? "ready" : "waiting";
  byId("health-text").textContent = WORDS[answer?.message] ?? texts.unreachable;
  if (!isReady) setTimeout(watchHealth, ASK_AGAIN_MILLISECONDS);
}
