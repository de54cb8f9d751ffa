/* The architecture as a row of boxes; each shows what it last said, and lights up when it says something. */

import { el } from "./dom.js";

const LIT_MILLISECONDS = 900;
const BOXES = [
  ["slack", "Slack", "a click, a command"],
  ["ingress", "ingress", "checks and passes on"],
  ["orchestrator", "orchestrator", "decides and runs"],
  ["site", "dealer's site", "is read and repaired"],
  ["notifier", "notifier", "finds the words"],
  ["metrics", "metrics", "counts"],
];
const DELIVERED = "deliver.";

export class Flow {
  constructor(redraw) {
    this.redraw = redraw;
    this.said = new Map(); // box -> {text, at}
  }

  say(box, text) {
    this.said.set(box, { text, at: Date.now() });
    setTimeout(this.redraw, LIT_MILLISECONDS + 50);
  }

  sawCall(call) {
    if (call.method.startsWith(DELIVERED)) this.say("slack", call.method.slice(DELIVERED.length));
    else if (call.method.startsWith("apps.")) this.say("ingress", call.method);
    else this.say("notifier", call.method);
  }

  sawPassing(passing) {
    const asked = /^to (.+)$/.exec(passing.source);
    const speaker = asked ? asked[1] : passing.source.split("/").at(-1);
    if (asked) this.say(speaker, `is asked: ${passing.subject.split(".").at(-1)}`);
    else if (BOXES.some(([name]) => name === speaker)) this.say(speaker, short(passing.type || passing.subject));
  }

  sawSite(dealer) {
    this.say("site", `${dealer} changed`);
  }

  node() {
    return el("ol", { class: "flow", "aria-label": "Who speaks to whom" }, BOXES.map((box) => this.box(box)));
  }

  box([name, title, role]) {
    const said = this.said.get(name);
    const isLit = said && Date.now() - said.at < LIT_MILLISECONDS;
    return el(
      "li",
      { "data-key": name, class: isLit ? "lit" : null },
      el("strong", null, title),
      el("span", { class: said ? "said" : "quiet" }, said ? said.text : role),
    );
  }
}

function short(type) {
  return type.replace(/^ops\./, "").replace(/\.v\d+$/, "");
}
