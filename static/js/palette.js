// Ctrl+K: links and actions of this page at once, traces and modes of the project after a moment.

const dialog = document.getElementById("palette");
const input = dialog.querySelector("input");
const list = document.getElementById("palette-list");
let entries = [];
let selected = 0;
let timer = 0;
let asking = null;

/** Lower is better; null when the letters of `text` are not all there in order. */
function distance(text, label) {
  const needle = text.toLowerCase();
  const hay = label.toLowerCase();
  const at = hay.indexOf(needle);
  if (at >= 0) return at === 0 || /\W/.test(hay[at - 1]) ? at / 100 : 1 + at / 100;
  let from = -1;
  let gaps = 0;
  for (const letter of needle.replace(/\s/g, "")) {
    const next = hay.indexOf(letter, from + 1);
    if (next < 0) return null;
    gaps += next - from - 1;
    from = next;
  }
  return 2 + gaps;
}

function words(element) {
  if (element.dataset.palette) return element.dataset.palette;
  return (element.dataset.keyLabel || element.getAttribute("aria-label") || element.querySelector("span")?.textContent || element.textContent).trim();
}

function onPage() {
  return [...document.querySelectorAll("[data-palette]:not(:disabled)")].filter((element) => !element.closest("[hidden], dialog")).map((element) => ({
    label: words(element),
    kind: element.matches("a") ? "screen" : "action",
    open: () => (element.matches("input, textarea, select") ? element.focus() : element.click()),
  }));
}

function show(remote = []) {
  const text = input.value.trim();
  const near = onPage()
    .map((entry) => ({ ...entry, distance: text ? distance(text, entry.label) : 0 }))
    .filter((entry) => entry.distance !== null);
  const far = remote.map((entry) => ({ ...entry, distance: distance(text, entry.label) ?? 3 }));
  // Places before deeds: Enter on a half-typed word should not undo anything.
  const rank = (entry) => entry.distance + (entry.kind === "action" ? 1 : 0);
  entries = [...near, ...far].sort((one, other) => rank(one) - rank(other)).slice(0, 20);
  selected = 0;
  list.replaceChildren(...entries.map((entry, index) => {
    const option = Object.assign(document.createElement("li"), { id: `palette-${index}`, textContent: entry.label });
    option.setAttribute("role", "option");
    option.append(Object.assign(document.createElement("small"), { textContent: entry.kind }));
    option.addEventListener("click", () => choose(index));
    return option;
  }));
  if (!entries.length) {
    const nothing = Object.assign(document.createElement("li"), { textContent: "Nothing found" });
    nothing.setAttribute("role", "option");
    nothing.setAttribute("aria-disabled", "true");
    list.append(nothing);
  }
  select(0);
}

function select(index) {
  selected = entries.length ? (index + entries.length) % entries.length : 0;
  [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(Boolean(entries.length) && at === selected)));
  if (entries.length) input.setAttribute("aria-activedescendant", `palette-${selected}`);
  else input.removeAttribute("aria-activedescendant");
  list.children[selected]?.scrollIntoView({ block: "nearest" });
}

function choose(index) {
  const entry = entries[index];
  if (!entry) return;
  dialog.close();
  entry.open();
}

async function ask() {
  const project = document.body.dataset.project;
  const text = input.value.trim();
  asking?.abort();
  if (!project || !text) return;
  asking = new AbortController();
  try {
    const answer = await fetch(`/projects/${project}/palette.json?text=${encodeURIComponent(text)}`, { signal: asking.signal, headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const found = await answer.json();
    const at = selected;
    show(found.map(({ label, kind, url }) => ({ label, kind, open: () => location.assign(url) })));
    select(Math.min(at, entries.length - 1));
  } catch (error) {
    // A newer question replaces this one; without the server the page's own entries stay.
    if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
  }
}

input.addEventListener("input", () => {
  show();
  clearTimeout(timer);
  timer = setTimeout(ask, 150);
});

input.addEventListener("keydown", (event) => {
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (move) select(selected + move);
  else if (event.key === "Enter") choose(selected);
  else return;
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (dialog.open) return dialog.close();
  if (document.querySelector("dialog[open]")) return;
  input.value = "";
  show();
  dialog.showModal();
  input.focus();
});
