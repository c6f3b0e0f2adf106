// Light or dark: the system's choice until the reader makes another. Nothing is remembered.

import { byId } from "./elements.js";
import { theme as texts } from "./texts.js";

export function prepareTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    byId("theme-name").textContent = isDark() ? texts.light : texts.dark;
    byId("theme-toggle").setAttribute("aria-label", isDark() ? texts.toLight : texts.toDark);
    byId("theme-icon").setAttribute("href", `assets/web/icons.svg#${isDark() ? "sun" : "moon"}`);
  };
  byId("theme-toggle").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
  });
  system.addEventListener("change", show);
  show();
}
