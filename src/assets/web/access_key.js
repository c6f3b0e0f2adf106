// The access key: kept in this tab's session storage only, and sent with nothing but requests to the service.

import { byId } from "./elements.js";

const NAME = "eyenet.accessKey";

export const accessKey = () => sessionStorage.getItem(NAME) ?? "";

// onUse() is called when a key was entered.
export function prepareAccessKey(onUse) {
  const [form, field, opener] = ["key-form", "key-field", "key-open"].map(byId);
  opener.addEventListener("click", () => (form.hidden ? askForKey() : closeForm()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(NAME, field.value.trim());
    closeForm();
    onUse();
  });
  byId("key-forget").addEventListener("click", () => {
    sessionStorage.removeItem(NAME);
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

function closeForm() {
  byId("key-field").value = "";
  byId("key-form").hidden = true;
  byId("key-open").setAttribute("aria-expanded", "false");
}
