// Dialogs open from [data-dialog]; menus close when one turns away from them.

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialog)?.showModal();
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  if (event.target.matches("dialog[open]")) closeOutside(event);
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

function closeOutside(event) {
  const box = event.target.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  // Enter in a form reports a click at 0, 0: not a click on the backdrop.
  if (!inside && event.detail > 0) event.target.close();
}

/** A menu that asks for something is opened to type it. */
export function enter(menu) {
  const input = menu?.querySelector("input:not([type=hidden])");
  // The browser tells late that a menu is open: what was typed by then must not be selected.
  if (input !== document.activeElement) input?.select();
}
document.addEventListener("toggle", (event) => {
  if (event.target.matches("details[data-menu][open]")) enter(event.target);
}, true);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
