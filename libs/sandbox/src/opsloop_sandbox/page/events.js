/* The messages between the services, newest first. */

import { el } from "./dom.js";
import { exactClock } from "./moment.js";

const MOST_SHOWN = 120;
const WORDS = {
  off: "No NATS_URL was given to this sandbox, so there is nothing to watch. The command opsloop demo gives one.",
  connecting: "Looking for the broker…",
  watching: "Nothing has passed yet. Type a command, and watch who says what.",
};

export function drawEvents(store) {
  if (!store.passed.length) return el("p", { class: "empty" }, WORDS[store.info.bus]);
  return [
    store.info.bus === "watching" ? null : el("p", { class: "empty" }, WORDS[store.info.bus]),
    el("ol", { class: "log", "aria-label": "Events, newest first" }, store.passed.slice(-MOST_SHOWN).reverse().map(row)),
  ];
}

function row(passing) {
  const speaker = passing.source.split("/").at(-1) || "?";
  return el(
    "li",
    { "data-key": `p-${passing.n}` },
    el(
      "details",
      null,
      el(
        "summary",
        null,
        el("time", null, exactClock(passing.at)),
        el("span", { class: `speaker speaker-${speaker}` }, speaker),
        el("code", null, passing.type || passing.subject.split(".").slice(0, 3).join(".").replace(/\.\d\d-.*/, "")),
        el("span", { class: "about" }, passing.about),
      ),
      el("p", { class: "quiet" }, "Subject ", el("code", null, passing.subject)),
      el("pre", { class: "code", tabindex: 0, "aria-label": "Data" }, JSON.stringify(passing.data, null, 2)),
    ),
  );
}
