// Group: the map follows the lists and what is ticked in them; forms that open take the focus.

import { notesOf } from "./items.js";

const LIT = "is-lit";

/** Light the notes of an item, and those that are ticked. */
export function light(item) {
  const named = item && (item.id.match(/^note-(\d+)$/)?.[1] ?? notesOf(item));
  const ticked = [...document.querySelectorAll("input[name=notes]:checked")].map((box) => box.value);
  const notes = new Set([...(named?.split(",") ?? []), ...ticked]);
  for (const point of document.querySelectorAll(".map [data-note]")) point.classList.toggle(LIT, notes.has(point.dataset.note));
}

for (const type of ["focusin", "pointerover"]) {
  document.addEventListener(type, (event) => {
    const item = event.target.closest?.(".group-card, .note-row");
    if (item) light(item);
  });
}

document.addEventListener("click", (event) => {
  const point = event.target.closest?.(".map [data-note]");
  if (!point) return;
  const row = document.getElementById(`note-${point.dataset.note}`);
  if (!row) return;
  event.preventDefault();
  for (let list = row.closest("details"); list; list = list.parentElement.closest("details")) list.open = true;
  row.focus();
  row.scrollIntoView({ block: "center" });
});

document.addEventListener("toggle", (event) => {
  if (event.target.matches("details[data-focus-first][open]")) event.target.querySelector("input:not([type=hidden])")?.focus();
}, true);
