// After a swap the focus goes back to the element of the same id, or to the list it was in.
import { speak } from "./toasts.js";

let before = null;

document.addEventListener("htmx:beforeSwap", () => {
  const element = document.activeElement;
  if (!element || element === document.body) return;
  const item = element.closest("[data-item]");
  const all = item ? [...document.querySelectorAll("[data-item]")] : [];
  before = { id: element.id, item: item?.id, at: all.indexOf(item) };
});

document.addEventListener("htmx:afterSettle", () => {
  if (!before || (document.activeElement && document.activeElement !== document.body)) {
    before = null;
    return;
  }
  const all = document.querySelectorAll("[data-item]");
  const next = document.getElementById(before.id) ?? document.getElementById(before.item) ?? all[Math.min(before.at, all.length - 1)];
  before = null;
  (next ?? document.getElementById("content"))?.focus({ preventScroll: true });
});

document.addEventListener("move-focus", (event) => {
  // The server's answer may name where to go on: HX-Trigger {"move-focus": {"id": "…"}}.
  requestAnimationFrame(() => document.getElementById(event.detail.id)?.focus());
});

document.addEventListener("htmx:timeout", () => speak("The server is slow to answer. Nothing was changed."));
