// The page's course: a picture comes in, is sent, and ends as a result or a problem.

import { accessKey, prepareAccessKey } from "./access_key.js";
import { hideCamera, prepareCamera } from "./camera_view.js";
import { announce, byId, fillLabels } from "./elements.js";
import { knownModel, watchHealth } from "./health_view.js";
import { prepareIntake } from "./intake.js";
import { asSmallerJpeg, dataUriOf, fitsInARequest, needsConversion } from "./pictures.js";
import { forgetTries, hideProblem, showProblem } from "./problem_view.js";
import { hideProgress, showAnalysing, showProgress, showSent } from "./progress_view.js";
import { hideResult, showResult } from "./result_view.js";
import { ServiceError, post } from "./service.js";
import { notes as noteTexts, problems, progress as progressTexts } from "./texts.js";
import { prepareTheme } from "./theme.js";

const TOO_LARGE = 413;

let running = null;
let sendAgain = null;
let photoUrl = null;

async function lookAtPhoto(file, eye, notes) {
  const sent = { pictures: [shownPhoto(file)], isCamera: false, eye, notes };
  await run(sent, async (options) => {
    if (needsConversion(file) || !fitsInARequest(file)) return uploadSmaller(file, sent, options);
    try {
      return await upload(file, sent, options);
    } catch (error) {
      // An operator may allow less than we think. A smaller copy is worth one more try.
      if (error.status !== TOO_LARGE) throw error;
      return uploadSmaller(file, sent, options);
    }
  });
}

async function lookAtFrames(frames) {
  const sent = { pictures: frames.map((frame) => ({ url: frame.image })), isCamera: true, eye: null, notes: [] };
  const body = new Blob([JSON.stringify(frames)], { type: "application/json" });
  // This page never mirrors what it sends, whatever other clients of this service do.
  await run(sent, (options) => post("predict?mirrored=false", body, options));
}

// A picture as `run` takes it. The page holds one photo at a time.
function shownPhoto(blob) {
  if (photoUrl) URL.revokeObjectURL(photoUrl);
  photoUrl = URL.createObjectURL(blob);
  return { blob, url: photoUrl };
}

async function upload(blob, sent, options) {
  // The boxes of the answer are in pixels of this picture.
  if (sent.pictures[0].blob !== blob) sent.pictures = [shownPhoto(blob)];
  const image = await dataUriOf(blob).catch(() => {
    throw new ServiceError(problems.unreadableFile, { code: "unreadable_file" });
  });
  const body = new Blob(['{"image":"', image, `","eye":${JSON.stringify(sent.eye)}}`], { type: "application/json" });
  return post("upload", body, options);
}

async function uploadSmaller(file, sent, options) {
  const smaller = await asSmallerJpeg(file);
  // What the browser cannot show either goes as it is, so that the service says what is wrong with it.
  if (!smaller) return upload(file, sent, options);
  sent.notes = [
    ...sent.notes,
    needsConversion(file) ? noteTexts.converted : noteTexts.shrunk(smaller.width, smaller.height),
  ];
  return upload(smaller.blob, sent, options);
}

// sent: { pictures: [{ url, blob }], isCamera, eye, notes }: blobs of photos only, eye as `prepareIntake` tells it, notes
// being sentences for the reader. ask(options) sends the request; whatever comes of it ends up on the page.
async function run(sent, ask) {
  const { signal } = (running = new AbortController());
  const notesBefore = sent.notes;
  let size = 0;
  sendAgain = () => {
    sent.notes = notesBefore;
    return run(sent, ask);
  };
  show("working");
  showProgress(sent.pictures.map(({ url }) => url));
  const options = {
    accessKey: accessKey(),
    signal,
    onProgress: (loaded, total) => {
      size = total;
      showSent(loaded, total);
    },
    onArrived: () => showAnalysing(size),
  };
  try {
    const answer = await ask(options);
    if (signal.aborted) return;
    forgetTries();
    show("result");
    showResult({ ...answer, model: answer.model ?? knownModel() }, sent);
  } catch (error) {
    if (signal.aborted) return;
    show("problem");
    showProblem(error instanceof ServiceError ? error : new ServiceError(problems.unexpected), sendAgain);
    if (!(error instanceof ServiceError)) console.error(error);
  }
}

// What is not shown in a state is put away: one thing at a time.
function show(state) {
  document.body.dataset.state = state;
  hideCamera();
  hideProgress();
  hideProblem();
  hideResult();
}

function startOver(state = "ready") {
  running?.abort();
  forgetTries();
  show(state);
}

function takeFile(file, count, eye) {
  startOver();
  if (file) {
    lookAtPhoto(file, eye, count > 1 ? [noteTexts.onlyFirst(count)] : []);
    return;
  }
  show("problem");
  showProblem(new ServiceError(problems.noPicture, { code: "no_file" }), sendAgain);
}

fillLabels();
prepareTheme();
prepareAccessKey(() => {
  if (document.body.dataset.state === "problem") sendAgain?.();
});
prepareIntake(takeFile);
prepareCamera({ onOpen: () => startOver("camera"), onClose: startOver, onFrames: lookAtFrames });
byId("cancel").addEventListener("click", () => {
  startOver();
  announce(progressTexts.cancelled);
  byId("file").focus();
});
for (const button of document.querySelectorAll("[data-start-over]")) {
  button.addEventListener("click", () => {
    startOver();
    scrollTo({ top: 0 });
    byId("file").focus({ preventScroll: true });
  });
}
byId("print").addEventListener("click", () => window.print());
watchHealth();
