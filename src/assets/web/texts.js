// Every word of the page. A translation is this file, the three sentences in index.html that are read before any script
// runs, and the `lang` there.

export const locale = "en-GB";

const number = new Intl.NumberFormat(locale);
const oneDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const wholeShare = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const seconds = new Intl.NumberFormat(locale, { style: "unit", unit: "second", unitDisplay: "long" });
const briefSeconds = new Intl.NumberFormat(locale, {
  style: "unit", unit: "second", unitDisplay: "long", minimumFractionDigits: 1, maximumFractionDigits: 1,
});
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });
const day = new Intl.DateTimeFormat(locale, { dateStyle: "long" });

export const formatPercent = (percent) => share.format(percent / 100);
export const formatWholePercent = (percent) => wholeShare.format(percent / 100);
export const formatMegabytes = (bytes) => `${oneDigit.format(bytes / 1e6)} MB`;
export const formatSeconds = (count) => seconds.format(count);
export const formatBriefSeconds = (count) => briefSeconds.format(count);
export const formatMoment = (date) => moment.format(date);

const counted = (count, one, many) => `${number.format(count)} ${count === 1 ? one : many}`;

// What stands in elements with `data-text`, by its name.
export const labels = {
  title: "EyeNet: look at an eye",
  skip: "Skip to the pictures",
  noticeStrong: "Not a medical device.",
  noticeRest: "It does not replace an examination.",
  brand: "EyeNet",
  brandLine: "Eye screening, for research",
  heading: "Look at an eye",
  lead:
    "Give it a photo of a face, of both eyes or of one. It finds the eyes, says how much each looks like cataract, " +
    "conjunctivitis, a stye or a healthy eye, how sure it is, and where in the picture it looked.",
  dropTitle: "Choose a photo",
  dropHint: "or drop it here, or paste it. JPEG, PNG, WebP or BMP.",
  dropNow: "Let go to look at this photo",
  whichLegend: "If the photo shows one eye only: which one of the person’s own?",
  whichNotSaid: "Not said",
  whichRight: "Right eye",
  whichLeft: "Left eye",
  cameraTitle: "Use the camera",
  cameraHint: "Three seconds; the sharpest pictures are looked at.",
  cameraOpen: "Open the camera",
  privacy:
    "Pictures are sent to this service only. They are not stored there, unless its operator switched that on; this " +
    "page keeps none.",
  tipsHeading: "What makes a good picture",
  tipShows: "A whole face, both eyes, or one eye.",
  tipLight: "Daylight from the front; no flash, nothing in shadow.",
  tipNear: "The phone a hand’s width away: both lids and both corners of the eye are in the picture.",
  tipOpen: "Eyes open, looking straight ahead, no spectacles, no hair over them.",
  cameraHeading: "Camera",
  cameraStart: "Take three seconds",
  cameraClose: "Close the camera",
  cameraAlt: "What the camera sees, mirrored",
  cancel: "Cancel",
  progressHeading: "Looking at it",
  stepSend: "Sending",
  stepAnalyse: "Analysing",
  tryNow: "Try again",
  stopTrying: "Stop trying",
  otherPicture: "Another picture",
  print: "Print or save as PDF",
  reportHeading: "EyeNet report",
  reference: "Reference",
  examiner: "Seen by",
  sentHeading: "What was sent",
  aboutHeading: "About this answer",
  aboutModel: "Model",
  aboutHash: "Model file",
  aboutPrecision: "Precision",
  aboutScores: "Scores",
  aboutTime: "Answered in",
  aboutRequest: "Request",
  doctor:
    "Pain, a change in what you see, an injury or a very red eye: see a doctor, whatever stands here. It knows four " +
    "classes only; any other disease mostly gets one of these names.",
  keyHeading: "Access key",
  keyOpen: "Access key",
  keyLabel: "Access key",
  keyHint: "Kept in this tab until it is closed, and sent to this service only.",
  keyUse: "Use this key",
  keyForget: "Forget it",
  footer: "A screening aid for research and demonstration.",
  docs: "For developers: the API",
};

export const theme = { dark: "Dark", light: "Light", toDark: "Switch to dark colours", toLight: "Switch to light colours" };

export const health = {
  asking: "Asking the service",
  ready: "Service ready",
  starting: "Service is starting",
  draining: "Service is shutting down",
  unreachable: "Service cannot be reached",
};

export const camera = {
  opening: "Waiting for the camera. Your browser may ask you for permission.",
  ready: "Bring your face into the oval, near enough to fill it, with light from the front.",
  recording: "Hold still and look into the camera.",
  choosing: "Choosing the sharpest pictures.",
  closed: "The camera is off.",
  problems: {
    insecure: "Browsers lend a camera only to pages that come over https or from localhost. Choose a photo instead.",
    NotAllowedError: "The browser did not allow the camera. Allow it beside the address, or choose a photo.",
    NotFoundError: "No camera was found. Connect one, or choose a photo.",
    NotReadableError: "The camera is in use by another program. Close that, or choose a photo.",
    recording: "No pictures could be taken. Open the camera again, or choose a photo instead.",
    other: "The camera could not be started. Choose a photo instead.",
  },
};

export const progress = {
  preparing: "Preparing the picture",
  sending: (sent, total) => `${formatMegabytes(sent)} of ${formatMegabytes(total)}`,
  sent: (total) => `${formatMegabytes(total)} sent`,
  waiting: "waits",
  analysing: (elapsed) => formatSeconds(elapsed),
  announceSending: "Sending the picture.",
  announceAnalysing: "The picture has arrived and is being analysed.",
  cancelled: "Cancelled. No answer will be shown.",
};

export const notes = {
  shrunk: (width, height) => `The photo was too large for the service and was sent smaller, ${width} × ${height} pixels.`,
  converted: "The photo's format is not one that the service reads; it was converted to JPEG by the browser.",
  onlyFirst: (count) => `Only the first of ${number.format(count)} files was taken.`,
};

export const result = {
  // By how many eyes were found, and of how many of them the service is sure.
  heading: (count, sure) => {
    if (count === 0) return "No eye found";
    if (sure === count) return count === 1 ? "One eye found" : "Two eyes found";
    if (sure) return "One eye found, and perhaps another";
    return count === 1 ? "Perhaps one eye" : "Perhaps two eyes";
  },
  faces: (count) => `${number.format(count)} faces in the picture: the largest was answered.`,
  notAsSaid: "Which eye is which was taken from the photo itself, not from what you said.",
  fromPhoto: "One photo",
  fromCamera: (count) => `Camera, ${counted(count, "picture", "pictures")}`,
  announce: (sentences) => `The answer is here. ${sentences.join(" ")}`,
  sentFrame: (position, count) => `Picture ${position} of ${count} that were sent`,
  frameErrors: (count, total) =>
    `${counted(count, "picture", "pictures")} of ${number.format(total)} could not be used; the others were.`,
  calibrated: "calibrated over all classes together, on pictures like those it learnt from: a score of 90% was right in " +
    "about 9 of 10 cases. An answer that names a disease is right less often, the more so the rarer it is",
  notCalibrated: "not calibrated: they rank the classes and are not probabilities",
  reportTitle: (date) => `EyeNet report, ${day.format(date)}`,
};

const side = { right_eye: "Right eye", left_eye: "Left eye", unknown: "Eye" };
const thirds = { rows: ["upper ", "", "lower "], columns: ["left", "middle", "right"] };

export const boxes = {
  alt: (count) => `The photo that was sent${["", ", with a box around the eye", ", with a box around each eye"][count]}`,
  label: { right_eye: "right", left_eye: "left", unknown: "side unknown" },
  // column, row: the third of the picture, from 0; extent: the larger of the shares of its width and of its height.
  where: (name, column, row, extent) =>
    `${side[name]}: ${extent > 0.9 ? "all of the picture" : `in the ${thirds.rows[row]}${thirds.columns[column]} of the picture`}.`,
};

const knownFrom = { face: "by the face", inner_corner: "by the inner corner", caller: "as you said" };

export const eye = {
  title: (name) => side[name],
  whose: { right_eye: "the person’s own right, OD", left_eye: "the person’s own left, OS", unknown: "side unknown" },
  sideFrom: (from) => knownFrom[from] ?? from,
  notDetected: "Not detected",
  notDetectedText: "This eye was not found in the picture.",
  notDetectedAdvice: "Turn the face to the camera, open both eyes, and leave nothing in front of them.",
  mostLike: "Most like",
  inconclusive: "Inconclusive",
  inconclusiveLead: (name) => `Most like: ${name}, but do not rely on it.`,
  verdict: (name) => `Most like: ${name}.`,
  confidence: (percent) => formatPercent(percent),
  uncalibrated: (percent) => `${formatPercent(percent)}, which is not a probability`,
  unreliable: (percent) => `${formatPercent(percent)}, not to be relied on`,
  confidenceLabel: "Confidence",
  expected: (share) =>
    typeof share === "number"
      ? ` Of answers like this one, ${formatWholePercent(100 * share)} were right on pictures held back in training.`
      : " How often answers like this one are right is not known.",
  scores: "Scores",
  highest: "the highest",
  why: "Why it is inconclusive",
  picture: "Picture",
  heatmap: "Heatmap",
  pictureAlt: (name) => `${side[name]}, cut out of the picture that was sent`,
  heatmapAlt: (name, verdict) =>
    `The same picture of the ${side[name].toLowerCase()} with the heatmap for ${verdict} over it: red and yellow places ` +
    "counted most",
  fade: (name) => `Heatmap over the picture, ${side[name].toLowerCase()}`,
  fadeValue: (percent) => `${formatWholePercent(percent)} heatmap`,
  noHeatmap: "No heatmap: no place in the picture counted more than the others.",
  heatmapHint: "Red and yellow: what counted most for this answer.",
  found: (how, frames) => `${foundBy[how] ?? how}, in ${counted(frames, "picture", "pictures")}.`,
  announce: (name, verdict) => `${side[name]}: ${verdict}`,
};

const foundBy = {
  landmarks: "Found by the landmarks of the face",
  eye_cascade: "Found by its shape, without landmarks of a face",
  eye_finder: "Found by its shape, without a whole face",
  whole_picture: "No eye was found for certain, so the whole picture was taken as one",
};

// What the four names mean; a model of other classes shows its names alone.
export const classes = {
  Cataract: "A clouded lens, seen as a grey or white pupil.",
  Conjunctivitis: "An inflamed, red white of the eye and inner lid.",
  Healthy: "The other three are less likely. It says nothing of any other disease.",
  Stye: "A red, swollen bump at the edge of a lid.",
};

export const reasons = {
  low_confidence: {
    what: "No class is likely enough.",
    advice: "Try a sharper and nearer picture in even light. If that changes nothing, pictures will not settle it.",
  },
  not_an_eye: {
    what: "It is not certain that this is an eye.",
    advice: "Send a photo of a whole face, of both eyes, or of one eye with both lids and both corners.",
  },
  unfamiliar: {
    what: "It looks unlike the pictures the model learnt from.",
    advice:
      "It may be another disease, another kind of camera, or something in the way: hair, glasses, a finger, make-up. " +
      "Take that away and try once more.",
  },
  other_condition: {
    what: "The eye may have something that this model does not know.",
    advice: "Another photo does not help: let a physician look.",
  },
  blurry: {
    what: "The eye is out of focus or was moved.",
    advice: "Hold camera and head still, clean the lens, and let it focus on the eye.",
  },
  too_dark: { what: "The eye is nearly black.", advice: "Turn to a window or a lamp; do not stand with the light behind." },
  too_bright: { what: "The eye is nearly white.", advice: "Switch the flash off and step out of direct light." },
  too_small: { what: "The eye has too few pixels.", advice: "Come nearer, or use a camera with more pixels." },
  too_close: { what: "The lids are not in the picture.", advice: "Step back until the whole eye can be seen." },
  eye_closed: { what: "The lids are nearly closed.", advice: "Open the eyes wide and look into the camera." },
  frames_disagree: {
    what: "The pictures do not agree with each other.",
    advice: "Hold still in even light, without reflections on the eye, and take them again.",
  },
};

export const unknownReason = (code) => ({
  what: `The service is in doubt (${code}).`,
  advice: "Its documentation says what that means.",
});

export const problems = {
  heading: (code) => (code === "no_eyes_detected" ? "No eye found" : "That did not work"),
  network: "The service could not be reached.",
  strangeAnswer: (status) => `Something between this page and the service answered with status ${status}, and nothing readable.`,
  unreadableFile: "The file could not be read. It may have been moved, or be on a device that is gone.",
  noPicture: "There was no file in what was dropped or pasted.",
  // "Frame 2: image: the data is ..." of the service, for somebody who has sent a photo.
  sentence: (fromService) => {
    const [, position, words] = /^(?:frame (\d+): )?(?:image: )?(.*)$/is.exec(fromService);
    const sentence = words.charAt(0).toUpperCase() + words.slice(1).replace(/[^.!?]$/, "$&.");
    return position ? `Picture ${position}: ${sentence}` : sentence;
  },
  unexpected: "This page ran into a fault of its own. Load it again.",
  retryIn: (count) => `Trying again in ${formatSeconds(count)}.`,
  retryAnnounce: (count) => `It will be tried again in ${formatSeconds(count)}.`,
};

// What helps against `no_eyes_detected`, and before.
export const tips = [labels.tipShows, labels.tipLight, labels.tipNear, labels.tipOpen];

// What to do about an error, by the service's code.
export const advice = {
  network: "Check the connection and that the service is running.",
  not_a_picture: "The file is damaged or no picture. Open it elsewhere to see, or choose another.",
  unsupported_picture: "Save it as JPEG or PNG and try again; of an animation, save one picture.",
  picture_too_small: "Choose a larger photo.",
  picture_too_large: "Choose a smaller photo, or cut out the face.",
  too_many_pixels: "Choose fewer photos, or smaller ones.",
  body_too_large: "Choose a smaller photo, or cut out the face.",
  no_eyes_detected: "Here is how one is found:",
  unauthorized: "Enter the access key that the operator of this service gave you, below.",
  origin_not_allowed: "Its operator has to let a proxy in front pass on the address that this page came from.",
  host_not_allowed: "Open this page under the name that its operator gave you.",
  starting: "It loads its model, which takes some seconds.",
  draining: "It is being stopped or restarted.",
  busy: "Others are asking as well.",
  timed_out: "It had too much to do to answer in time.",
  rate_limited: "There were too many requests from here in a short time.",
  internal_error: "Its operator finds the cause in the log.",
  timeout: "It may be starting or have too much to do.",
};
