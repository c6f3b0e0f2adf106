// Talks to the service: one request, its progress, its answer or a ServiceError, in either envelope.

import { problems } from "./texts.js";

const NETWORK_RETRY_SECONDS = 5;
const TIMEOUT_MILLISECONDS = 180_000;
const HEALTH_MILLISECONDS = 10_000;
const WORTH_ANOTHER_TRY = new Set([0, 429, 502, 503, 504]);

export class ServiceError extends Error {
  // retryAfter: seconds until another try makes sense, null where none does.
  constructor(sentence, { status = 0, code = "network", retryAfter = null } = {}) {
    super(sentence);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

// Posts the Blob of JSON to /predict or /upload.
//
// onProgress(sentBytes, totalBytes) is called while the body travels, onArrived() once it is there. Resolves to
// { eyes: { left_eye, right_eye }, frameErrors, facesSeen, model, notice, seconds, requestId }; what the answer does not
// have is null or empty. Rejects with a ServiceError, or with an AbortError after `signal`.
export async function post(path, body, { accessKey, signal, onProgress, onArrived }) {
  const started = performance.now();
  const request = await send(path, body, { accessKey, signal, onProgress, onArrived });
  const answer = unwrapped(request);
  return {
    eyes: answer.left_eye ? answer : answer.body,
    frameErrors: answer.frame_errors ?? [],
    facesSeen: answer.faces_seen ?? null,
    model: answer.model ?? null,
    notice: answer.notice ?? null,
    seconds: (performance.now() - started) / 1000,
    requestId: request.getResponseHeader("X-Request-ID"),
  };
}

// What /health says, whatever its status; null if there is no such answer, or none in time.
export async function askHealth() {
  const giveUp = new AbortController();
  const givingUp = setTimeout(() => giveUp.abort(), HEALTH_MILLISECONDS);
  try {
    return await (await fetch("health", { cache: "no-store", signal: giveUp.signal })).json();
  } catch {
    return null;
  } finally {
    clearTimeout(givingUp);
  }
}

// XMLHttpRequest, because fetch does not tell how much of a body has been sent.
function send(path, body, { accessKey, signal, onProgress, onArrived }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const cancel = () => request.abort();
    request.open("POST", path);
    request.timeout = TIMEOUT_MILLISECONDS;
    request.setRequestHeader("Content-Type", "application/json");
    if (accessKey) request.setRequestHeader("X-API-Key", accessKey);
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.upload.addEventListener("load", onArrived);
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(noConnection("network")));
    request.addEventListener("timeout", () => reject(noConnection("timeout")));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", cancel));
    signal.addEventListener("abort", cancel);
    if (signal.aborted) reject(new DOMException("", "AbortError"));
    else request.send(body);
  });
}

const noConnection = (code) => new ServiceError(problems.network, { code, retryAfter: NETWORK_RETRY_SECONDS });

// The content of a good answer. LEGACY_ENVELOPE puts it, as text, into an HTTP 200.
function unwrapped(request) {
  const answer = parsed(request.responseText);
  const isLegacy = typeof answer?.body === "string";
  const status = isLegacy ? answer.status_code : request.status;
  const content = isLegacy ? parsed(answer.body) : answer;
  if (status === 200 && (content?.left_eye || content?.body?.left_eye)) return content;
  const { error, code } = (isLegacy ? content : content?.body) ?? {};
  throw new ServiceError(error ?? problems.strangeAnswer(status), {
    status,
    code: code ?? "strange_answer",
    retryAfter: WORTH_ANOTHER_TRY.has(status) ? retrySeconds(request.getResponseHeader("Retry-After")) : null,
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Retry-After is seconds or a date (RFC 9110, section 10.2.3).
function retrySeconds(header) {
  const delay = /^\d+$/.test(header ?? "") ? Number(header) : (Date.parse(header ?? "") - Date.now()) / 1000;
  return Number.isFinite(delay) ? Math.max(1, Math.ceil(delay)) : NETWORK_RETRY_SECONDS;
}
