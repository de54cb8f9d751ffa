/* What this page cannot show is never dropped: it stands there in red, with its JSON. */

import { el } from "./dom.js";

export function loud(what, value) {
  const type = value?.type ?? typeof value;
  return el(
    "div",
    { class: "loud", role: "note", "aria-label": `Unknown ${what}` },
    el("strong", null, `The sandbox cannot show this ${what}: ${type}`),
    el("pre", { tabindex: 0, "aria-label": `JSON of the unknown ${what}` }, JSON.stringify(value, null, 2)),
  );
}
