// The access key: kept in this tab's session storage only, or in this page's memory where the browser forbids storage;
// sent with nothing but requests to the service.

import { byId } from "./elements.js";

const NAME = "eyenet.accessKey";

let inMemory = "";

export function accessKey() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return inMemory;
  }
}

// onUse() is called when a key was entered.
export function prepareAccessKey(onUse) {
  const [form, field, opener] = ["key-form", "key-field", "key-open"].map(byId);
  opener.addEventListener("click", () => (form.hidden ? askForKey() : closeForm()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(field.value.trim());
    closeForm();
    // Something that waited for the key may move the focus on.
    opener.focus();
    onUse();
  });
  byId("key-forget").addEventListener("click", () => {
    keep("");
    closeForm();
    opener.focus();
  });
}

export function askForKey() {
  byId("key-form").hidden = false;
  byId("key-open").setAttribute("aria-expanded", "true");
  byId("key-forget").hidden = !accessKey();
  byId("key-field").focus();
}

function keep(key) {
  inMemory = key;
  try {
    if (key) sessionStorage.setItem(NAME, key);
    else sessionStorage.removeItem(NAME);
  } catch {
    // In memory it is.
  }
}

function closeForm() {
  byId("key-field").value = "";
  byId("key-form").hidden = true;
  byId("key-open").setAttribute("aria-expanded", "false");
}
