// The three ways in for a file: chosen, dropped anywhere on the page, pasted.

import { byId } from "./elements.js";
import { firstPicture } from "./pictures.js";

// onFile(file, count, eye): file is null where nothing usable came; count of the files that came with it; eye is "left",
// "right", or null where nobody said which eye the photo shows.
export function prepareIntake(onFile) {
  const input = byId("file");
  const take = (files) => {
    const eye = byId("which").querySelector(":checked").value || null;
    // It was said of this photo, not of the next.
    if (files.length) byId("which-not-said").checked = true;
    onFile(firstPicture(files), files.length, eye);
  };
  input.addEventListener("change", () => {
    const files = [...input.files];
    // Else the same file could not be chosen twice in a row.
    input.value = "";
    if (files.length) take(files);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) take(event.clipboardData.files);
  });
  prepareDropping(take);
}

function prepareDropping(take) {
  // Entering a child comes before leaving its parent, hence the count.
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dragging", depth > 0);
  };
  addEventListener("dragenter", (event) => {
    if (event.dataTransfer?.types.includes("Files")) mark(1);
  });
  addEventListener("dragleave", () => mark(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-depth);
    take(event.dataTransfer?.files ?? []);
  });
}
