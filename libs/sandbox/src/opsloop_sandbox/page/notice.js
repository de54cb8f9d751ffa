/* Words to the reader that are no messages: read aloud, or shown for a moment. */

import { byId, el } from "./dom.js";

const SHOWN_MILLISECONDS = 6000;

/** For screen readers only. */
export function announce(text) {
  byId("announcer").textContent = text;
}

export function toast(text) {
  const note = el("div", { class: "toast" }, text);
  byId("toasts").append(note);
  setTimeout(() => note.remove(), SHOWN_MILLISECONDS);
}

/** Carries something out; a refusal becomes a toast, and the result is then undefined. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toast(error.message);
    return undefined;
  }
}
