// A client of EyeNet for browsers and Node 18 or newer; nothing to install.

const ATTEMPTS = 4;
// Not now, but perhaps soon; whatever else is wrong stays wrong.
const WORTH_ANOTHER_TRY = new Set([429, 502, 503, 504]);

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// The service answered with an error: a sentence for a person, and a stable code for programs.
export class Refused extends Error {
  constructor(code, sentence) {
    super(sentence);
    this.code = code;
  }
}

// The answer to the payload. Tries again, a few times, where the service asks for it.
// Throws Refused, or a TypeError of fetch where there was no answer.
export async function ask(url, path, payload, key) {
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(key ? { "X-API-Key": key } : {}) },
    body: JSON.stringify(payload),
  };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(new URL(path, url), request);
    if (answer.ok) return answer.json();
    if (!WORTH_ANOTHER_TRY.has(answer.status) || attempt === ATTEMPTS) throw await refusalOf(answer);
    await pause(Number(answer.headers.get("Retry-After") ?? 2 ** attempt));
  }
}

async function refusalOf(answer) {
  // Anything else than JSON was said by somebody between us and the service.
  if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
    return new Refused("unknown", `HTTP ${answer.status}`);
  }
  const { code, error } = (await answer.json()).body;
  return new Refused(code, error);
}

// A line for each eye, for a person. One whose side is not known is the only one, and stands under left_eye.
export function describe({ left_eye: left, right_eye: right }) {
  if (left.side === "unknown") return [lineOf("Eye of unknown side", left)];
  return [lineOf("Left eye", left), lineOf("Right eye", right)];
}

function lineOf(side, eye) {
  if (eye.best_prediction === "Not Detected") return `${side}: not seen`;
  const line = `${side}: ${eye.best_prediction}, ${eye.confidence.toFixed(0)} %`;
  return eye.inconclusive ? `${line}, inconclusive: ${eye.reasons.join(", ")}` : line;
}
