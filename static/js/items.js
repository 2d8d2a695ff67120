// The list a page walks through with J and K: steps, group cards, table rows.

const visible = (element) => element.checkVisibility({ visibilityProperty: true });

export function items() {
  return [...document.querySelectorAll("[data-item]")].filter(visible);
}

export function currentItem() {
  return document.activeElement?.closest("[data-item]") ?? document.querySelector("[data-item][data-current]");
}

/** The notes of a draft group, with commas: named once in its card, for lists of thousands are long. */
export function notesOf(item) {
  return item.dataset.notes ?? item.querySelector("[data-all-notes]")?.value;
}

export function makeCurrent(item) {
  for (const other of document.querySelectorAll("[data-item][data-current]")) {
    if (other !== item) other.removeAttribute("data-current");
  }
  item.setAttribute("data-current", "");
  if (!item.contains(document.activeElement)) item.focus({ preventScroll: true });
  item.scrollIntoView({ block: "nearest" });
}

export function step(by) {
  const all = items();
  if (!all.length) return false;
  const at = all.indexOf(currentItem());
  const next = at < 0 ? firstInView(all) : all[Math.min(all.length - 1, Math.max(0, at + by))];
  next.focus({ preventScroll: true });
  makeCurrent(next);
  return true;
}

export function firstInView(all = items()) {
  return all.find((item) => item.getBoundingClientRect().bottom > 80) ?? all[0];
}

document.addEventListener("focusin", (event) => {
  const item = event.target.closest?.("[data-item]");
  if (item && !item.hasAttribute("data-current")) {
    for (const other of document.querySelectorAll("[data-item][data-current]")) other.removeAttribute("data-current");
    item.setAttribute("data-current", "");
  }
});
