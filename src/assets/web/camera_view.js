// The camera's panel: the live picture, three seconds, and off again.

import { closeCamera, framesToSend, openCamera, recordFrames } from "./camera.js";
import { announce, byId, showAndFocus } from "./elements.js";
import { camera as texts } from "./texts.js";

let stream = null;
let recording = null;
// Which opening is the latest: the browser may ask its user about each, and answer an earlier one late.
let openings = 0;

// onOpen() comes before the panel shows, onClose() after it was put away, onFrames(frames) when there are frames to send.
export function prepareCamera({ onOpen, onClose, onFrames }) {
  byId("camera-open").addEventListener("click", () => {
    onOpen();
    open();
  });
  byId("camera-start").addEventListener("click", () => record(onFrames));
  byId("camera-close").addEventListener("click", () => {
    onClose();
    announce(texts.closed);
    byId("camera-open").focus();
  });
  byId("camera-video").addEventListener("loadedmetadata", ({ target }) => {
    byId("stage").style.aspectRatio = `${target.videoWidth} / ${target.videoHeight}`;
  });
  addEventListener("pagehide", hideCamera);
}

export function hideCamera() {
  recording?.abort();
  closeCamera(stream);
  stream = null;
  byId("camera-video").srcObject = null;
  byId("camera").hidden = true;
}

async function open() {
  const [video, start] = [byId("camera-video"), byId("camera-start")];
  const own = (openings += 1);
  start.disabled = true;
  byId("camera-bar").value = 0;
  say(texts.opening);
  byId("camera").dataset.state = "opening";
  showAndFocus(byId("camera"), byId("camera-heading"));
  try {
    const opened = await openCamera();
    if (byId("camera").hidden || own !== openings) {
      closeCamera(opened);
      return;
    }
    stream = opened;
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    if (own === openings) fail(texts.problems[error?.name] ?? texts.problems.other);
    return;
  }
  byId("camera").dataset.state = "ready";
  say(texts.ready);
  start.disabled = false;
  start.focus();
}

async function record(onFrames) {
  const { signal } = (recording = new AbortController());
  byId("camera-start").disabled = true;
  byId("camera").dataset.state = "recording";
  say(texts.recording);
  const onProgress = (share) => {
    byId("camera-bar").value = share;
  };
  let frames = null;
  try {
    const recorded = await recordFrames(byId("camera-video"), { signal, onProgress });
    if (!recorded) return;
    say(texts.choosing);
    frames = await framesToSend(recorded);
  } catch {
    if (!signal.aborted) fail(texts.problems.recording);
    return;
  }
  if (!signal.aborted) onFrames(frames);
}

// The camera is off, and the sentence says what to do instead.
function fail(sentence) {
  closeCamera(stream);
  stream = null;
  byId("camera-video").srcObject = null;
  byId("camera").dataset.state = "failed";
  say(sentence);
}

// The line is a live region.
function say(sentence) {
  byId("camera-text").textContent = sentence;
}
