/* What went to and from Slack, newest first, and what is left of each method's rate. */

import { get } from "./api.js";
import { el } from "./dom.js";
import { exactClock } from "./moment.js";

const MOST_SHOWN = 100;
const EVERY_MILLISECONDS = 1500;
const ALWAYS = ["chat.postMessage", "chat.update"];

export class Calls {
  constructor(store, redraw) {
    this.store = store;
    this.redraw = redraw;
    this.budgets = [];
    this.timer = null;
  }

  /** Asks for the budgets again and again while somebody looks: they recover by themselves. */
  watch(isWatched) {
    clearInterval(this.timer);
    if (!isWatched) return;
    this.load();
    this.timer = setInterval(() => this.load(), EVERY_MILLISECONDS);
  }

  async load() {
    this.budgets = await get("/control/limits").catch(() => this.budgets);
    this.redraw();
  }

  node() {
    const { calls, workspace } = this.store;
    return [
      el(
        "section",
        { class: "budgets" },
        el("h3", null, "Calls left this minute"),
        workspace.rate_limits ? this.budgets.filter(isTelling).map(budget) : el("span", null, "not limited now"),
      ),
      calls.length
        ? el("ol", { class: "log", "aria-label": "Calls, newest first" }, calls.slice(-MOST_SHOWN).reverse().map(row))
        : el("p", { class: "empty" }, "No calls yet."),
    ];
  }
}

function isTelling({ method, limit, left }) {
  return left < limit || ALWAYS.includes(method);
}

function budget({ method, limit, left }) {
  return el(
    "div",
    { class: "budget", "data-key": method },
    el("code", null, method),
    el("meter", { min: 0, max: limit, low: limit / 4, optimum: limit, value: left, "aria-label": `Left of ${method}` }),
    el("span", null, `${left} of ${limit}`),
  );
}

function row(call) {
  const isFine = call.outcome === "ok";
  const gave = call.behaviour ? ` · fault: ${call.behaviour}` : "";
  const took = call.elapsed_ms === null ? "" : `${Math.round(call.elapsed_ms)} ms`;
  return el(
    "li",
    { "data-key": `c-${call.n}` },
    el(
      "details",
      { ontoggle: (event) => showAnswer(event.target, call) },
      el(
        "summary",
        null,
        el("time", null, exactClock(call.at)),
        el("code", null, call.method),
        el("span", { class: isFine ? "outcome fine" : "outcome bad" }, call.outcome),
        el("span", { class: "about" }, `${[call.channel, took].filter(Boolean).join(" · ")}${gave}`),
      ),
      el("h4", null, "Arguments"),
      el("pre", { class: "code", tabindex: 0, "aria-label": "Arguments" }, JSON.stringify(call.args, null, 2)),
      el("div", { class: "answer", "data-key": `answer-${call.n}` }, answers.get(call.n) ?? null),
    ),
  );
}

const answers = new Map();

async function showAnswer(details, call) {
  if (!details.open || answers.has(call.n) || call.method.startsWith("deliver.")) return;
  const answer = await get(`/control/answers/${call.n}`).catch((error) => error.message);
  const shown = typeof answer === "string" ? answer : JSON.stringify(answer, null, 2);
  answers.set(call.n, `Answer\n${shown}`);
  details.querySelector(".answer").replaceChildren(answers.get(call.n));
}
