// Small ways to make and find elements. No text is ever set as HTML.

import { labels } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

// el("p", { class: "lead", hidden: true }, "text", child): attributes by name; null and false leave one out.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `assets/web/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

export function fillLabels() {
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = labels[element.dataset.text];
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", labels[element.dataset.label]);
  }
}

// For screen readers. Emptied first, because a text that does not change is not read again.
export function announce(text) {
  const announcer = byId("announcer");
  announcer.textContent = "";
  requestAnimationFrame(() => {
    announcer.textContent = text;
  });
}

export function showAndFocus(section, heading) {
  section.hidden = false;
  heading.focus({ preventScroll: true });
  scrollTo({ top: 0 });
}
