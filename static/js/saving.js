// Says when things were saved, and keeps trying while the server is away.
import { announce } from "./toasts.js";

const waits = new WeakMap();

function say(text, state = "saved") {
  for (const place of document.querySelectorAll("[data-save-state]")) {
    place.textContent = text;
    place.dataset.state = state;
  }
}

function isSave(event) {
  // Renewing a claim keeps nothing of what somebody decided.
  return event.detail.requestConfig?.verb !== "get" && !event.detail.elt.matches("[data-lease]");
}

document.addEventListener("htmx:afterRequest", (event) => {
  // An answer such as 409 or 422 is shown, so htmx calls it successful, but nothing was saved.
  if (!isSave(event) || !event.detail.successful || event.detail.xhr.status >= 400) return;
  waits.delete(event.detail.elt);
  if (event.detail.elt.elements?.again) event.detail.elt.elements.again.value = "false";
  say(`saved ${new Date().toLocaleTimeString("en-GB")}`);
});

document.addEventListener("htmx:responseError", (event) => {
  if (!isSave(event)) return;
  say("not saved", "failed");
  // 503: the server is there, its database is not, for a while. The notice says so.
  if (event.detail.xhr.status === 503) tryAgain(event, "");
});

document.addEventListener("htmx:sendError", (event) => {
  if (!isSave(event)) return;
  if (tryAgain(event, "The server did not answer. What you typed stays here and is sent again when it is back.")) return;
  say("not saved, the server did not answer", "failed");
  announce("The server did not answer, so this is not saved. What you typed stays here: save again when it is back.");
});

function tryAgain(event, told) {
  const form = event.detail.elt.closest("form[data-retry]");
  if (!form) return false;
  say("not saved, retrying", "failed");
  if (told && !waits.has(event.detail.elt)) announce(told);
  const wait = Math.min(30, (waits.get(event.detail.elt) ?? 1) * 2);
  waits.set(event.detail.elt, wait);
  // The earlier try may have been kept, with only its answer lost.
  if (form.elements.again) form.elements.again.value = "true";
  const { submitter } = event.detail.requestConfig.triggeringEvent ?? {};
  setTimeout(() => form.isConnected && form.requestSubmit(submitter?.isConnected ? submitter : undefined), wait * 1000);
  return true;
}

// The server writes UTC; people read their own clock.
function tellLocalTimes() {
  for (const time of document.querySelectorAll("time[data-local]")) time.textContent = new Date(time.dateTime).toLocaleTimeString("en-GB");
}
for (const changed of ["htmx:afterSwap", "htmx:oobAfterSwap", "page:fresh"]) document.addEventListener(changed, tellLocalTimes);
tellLocalTimes();
