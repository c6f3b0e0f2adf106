"use strict";
// Sorts, filters and turns pages. Without it, every eye is on the page in its first order.
(() => {
  const EYES_PER_PAGE = 100;
  const table = document.querySelector(".eyes");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const controls = document.querySelector(".controls");
  const text = document.getElementById("filter-text");
  const verdict = document.getElementById("filter-verdict");
  const certainty = document.getElementById("filter-certainty");
  const count = document.getElementById("count");
  const place = document.getElementById("place");
  const previous = document.getElementById("previous");
  const next = document.getElementById("next");
  let shown = rows;
  let page = 0;

  const showPage = () => {
    const pages = Math.max(1, Math.ceil(shown.length / EYES_PER_PAGE));
    page = Math.min(Math.max(0, page), pages - 1);
    const first = page * EYES_PER_PAGE;
    shown.forEach((row, index) => {
      row.classList.toggle("other-page", index < first || index >= first + EYES_PER_PAGE);
    });
    previous.disabled = page === 0;
    next.disabled = page === pages - 1;
    place.textContent = `Page ${page + 1} of ${pages}`;
    place.parentElement.hidden = pages === 1 && shown.length === rows.length;
    count.textContent = `${shown.length} of ${rows.length} eyes`;
  };

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = Array.from(body.rows).filter((row) => {
      const kept =
        words.every((word) => row.textContent.toLowerCase().includes(word)) &&
        (!verdict.value || row.dataset.verdict === verdict.value) &&
        (!certainty.value || row.dataset.certainty === certainty.value);
      row.hidden = !kept;
      return kept;
    });
    page = 0;
    showPage();
  };

  const sortBy = (heading) => {
    const ascending = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = heading.dataset.key;
    const isNumber = heading.dataset.number !== undefined;
    const value = (row) => row.dataset[key];
    const compare = (one, other) => {
      // What has no value comes last either way.
      if (value(one) === "" || value(other) === "") return (value(one) === "") - (value(other) === "");
      const difference = isNumber
        ? Number(value(one)) - Number(value(other))
        : value(one).localeCompare(value(other), undefined, { numeric: true });
      return ascending ? difference : -difference;
    };
    rows.sort(compare);
    body.append(...rows);
    filter();
  };

  for (const heading of table.tHead.querySelectorAll("th[data-key]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(heading));
    heading.append(button);
  }
  for (const control of [text, verdict, certainty]) control.addEventListener("input", filter);
  previous.addEventListener("click", () => { page -= 1; showPage(); });
  next.addEventListener("click", () => { page += 1; showPage(); });
  controls.hidden = false;
  filter();
})();
