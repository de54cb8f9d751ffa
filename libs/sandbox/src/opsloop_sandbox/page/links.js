/* Links in messages: to messages of this workspace inside the page, to the web in a new tab, nothing else. */

import { permalink } from "./directory.js";
import { el } from "./dom.js";

const ALLOWED = ["http:", "https:", "mailto:"];
let jump = () => {};

/** Who takes the reader to a message: called with {channel, ts, thread}. */
export function onJump(callback) {
  jump = callback;
}

export function anchor(url, label = "") {
  const text = label || url.replace(/^mailto:/, "");
  const here = permalink(url);
  if (here) return el("a", { href: `#${here.ts}`, onclick: (event) => followHere(event, here) }, text);
  if (!isAllowed(url)) return text;
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);
}

export function isAllowed(url) {
  try {
    return ALLOWED.includes(new URL(url).protocol);
  } catch {
    return false;
  }
}

function followHere(event, here) {
  event.preventDefault();
  jump(here);
}
