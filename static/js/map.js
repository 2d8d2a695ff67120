// Group: the map follows the list, forms that open take the focus, and finished suggestions come in by themselves.

const LIT = "is-lit";

function light(item) {
  for (const lit of document.querySelectorAll(`.map .${LIT}`)) lit.classList.remove(LIT);
  const notes = item?.dataset.notes ?? item?.id.match(/^note-(\d+)$/)?.[1];
  for (const note of notes?.split(",") ?? []) document.querySelector(`.map [data-note="${note}"]`)?.classList.add(LIT);
}

for (const type of ["focusin", "pointerover"]) {
  document.addEventListener(type, (event) => {
    const item = event.target.closest?.("[data-notes], .note-row");
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

function isBusy(board) {
  return board.querySelector("input:checked, details.new-mode[open]");
}

document.addEventListener("run:over", () => {
  // Somebody in the middle of a decision keeps the list they look at; the link to the result stays.
  const board = document.getElementById("board");
  if (board && !isBusy(board)) window.htmx.trigger(board, "refresh");
});
