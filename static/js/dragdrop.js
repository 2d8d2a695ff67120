// Dropping posts the dragged thing's values to the target's URL; its key does the same with the current item.
import { currentItem, notesOf } from "./items.js";

let dragged = null;

const CHOSEN = "input[name=notes][form=chosen]:checked, #chosen input[name=notes]:checked";

function valuesOf(source) {
  const notes = notesOf(source);
  return { ...Object.fromEntries(new URLSearchParams(source.dataset.drag)), ...(notes && { notes }) };
}

/** A ticked note takes all ticked ones along. */
function post(target, source) {
  const chosen = !source || source.querySelector(":scope > input:checked") ? [...document.querySelectorAll(CHOSEN)] : [];
  const values = chosen.length ? { notes: chosen.map((box) => box.value).join(",") } : valuesOf(source);
  window.htmx.ajax("POST", target.dataset.dropUrl, { source: target, values });
}

function targetOf(event) {
  return dragged ? event.target.closest?.("[data-drop-url]") : null;
}

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-drag]") ?? null;
  if (!dragged) return;
  dragged.classList.add("is-dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.drag);
});

for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    const target = targetOf(event);
    if (!target) return;
    event.preventDefault();
    target.classList.add("is-over");
  });
}

document.addEventListener("dragleave", (event) => {
  const target = targetOf(event);
  if (target && !target.contains(event.relatedTarget)) target.classList.remove("is-over");
});

document.addEventListener("drop", (event) => {
  const target = targetOf(event);
  if (!target) return;
  event.preventDefault();
  target.classList.remove("is-over");
  post(target, dragged);
});

document.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
});

document.addEventListener("drop:key", (event) => {
  if (document.querySelector(CHOSEN)) return post(event.target.closest("[data-drop-url]"), null);
  const item = currentItem();
  const source = item?.matches("[data-drag]") ? item : item?.querySelector("[data-drag]");
  if (source) post(event.target.closest("[data-drop-url]"), source);
});
