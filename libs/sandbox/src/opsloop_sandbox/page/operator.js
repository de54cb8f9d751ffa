/* The operator's corner: make Slack misbehave, take services away, and see that the card still ends up right. */

import { get, post, remove } from "./api.js";
import { button, el } from "./dom.js";
import { attempt } from "./notice.js";

const EVERY_MILLISECONDS = 1500;
const PRESETS = [
  ["Rate limit", "The next 3 updates get 429: wait 3 s.", { method: "chat.update", behaviour: "ratelimited", retry_after: 3, times: 3 }],
  ["Outage", "The next 10 calls of any method fail with 500.", { method: "*", behaviour: "lost_500", times: 10 }],
  ["Lost answer", "The next message is posted, but its answer never arrives.", { method: "chat.postMessage", behaviour: "stored_then_reset" }],
  ["Half done", "The next 3 updates work, and still answer 500.", { method: "chat.update", behaviour: "stored_then_500", times: 3 }],
  ["Slow", "The next 3 updates take 4 s.", { method: "chat.update", behaviour: "hang", seconds: 4, times: 3 }],
];

export class Operator {
  constructor(redraw) {
    this.redraw = redraw;
    this.faults = [];
    this.services = { services: [], problem: "Asking…" };
    this.timer = null;
  }

  /** Asks again and again while somebody looks. */
  watch(isWatched) {
    clearInterval(this.timer);
    if (!isWatched) return;
    this.load();
    this.timer = setInterval(() => this.load(), EVERY_MILLISECONDS);
  }

  async load() {
    const loaded = await Promise.all([get("/control/faults"), get("/control/services")]).catch(() => null);
    if (!loaded) return;
    [this.faults, this.services] = loaded;
    this.redraw();
  }

  async act(action) {
    await attempt(action);
    await this.load();
  }

  node() {
    return el("div", { class: "operator" }, this.faultCorner(), this.serviceCorner());
  }

  faultCorner() {
    const active = this.faults.filter(isActive);
    return el(
      "section",
      null,
      el("h3", null, "Make Slack misbehave"),
      el("div", { class: "presets" }, PRESETS.map(([name, about, fault]) => this.preset(name, about, fault))),
      el("p", { role: "status" }, active.length ? `Switched on: ${active.map(described).join("; ")}.` : "Slack behaves."),
      active.length ? button("All well again", () => this.act(() => remove("/control/faults")), { class: "action primary", "data-key": "heal" }) : null,
    );
  }

  preset(name, about, fault) {
    return button(
      [el("strong", null, name), el("span", { class: "quiet" }, about)],
      () => this.act(() => post("/control/faults", fault)),
      { class: "try", "data-key": name },
    );
  }

  serviceCorner() {
    const { services, problem } = this.services;
    return el(
      "section",
      null,
      el("h3", null, "Take a service away"),
      problem ? el("p", { class: "empty" }, `Not available here: ${problem}.`) : null,
      el("ul", { class: "services" }, services.map((service) => this.service(service))),
    );
  }

  service({ name, pid, running }) {
    const act = (doing, label, isOff) =>
      button(label, () => this.act(() => post("/control/services", { do: doing, name })), {
        class: "action",
        disabled: isOff,
        "aria-label": `${label} ${name}`,
      });
    return el(
      "li",
      { "data-key": name },
      el("span", { class: running ? "dot on" : "dot", "aria-hidden": "true" }),
      el("strong", null, name),
      el("span", { class: "quiet" }, running ? `runs (${pid})` : "does not run"),
      act("stop", "Stop", !running),
      act("kill", "Kill", !running),
      act("start", "Start", running),
    );
  }
}

function isActive({ request, fired, seen }) {
  if (request.every !== null) return request.times === null || fired < request.times;
  return seen < request.nth - 1 + (request.times ?? 1);
}

function described({ request, fired }) {
  return `${request.behaviour.replaceAll("_", " ")} on ${request.method === "*" ? "every call" : request.method} (${fired} so far)`;
}
