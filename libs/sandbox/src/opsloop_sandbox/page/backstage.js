/* Behind the scenes: a dock with a picture of who speaks to whom, and four tabs. */

import { Calls } from "./calls.js";
import { byId, button, el } from "./dom.js";
import { drawEvents } from "./events.js";
import { Flow } from "./flow.js";
import { Operator } from "./operator.js";
import { patchChildren } from "./patch.js";
import { Sites } from "./sites.js";

const TABS = { events: "Events", calls: "Slack calls", sites: "Dealer's page", operator: "Operator" };

export class Backstage {
  constructor(store, redraw) {
    this.store = store;
    this.redraw = redraw;
    this.isOpen = false;
    this.tab = "events";
    this.flow = new Flow(() => this.draw());
    this.calls = new Calls(store, () => this.draw());
    this.sites = new Sites(store, () => this.draw());
    this.operator = new Operator(() => this.draw());
    this.opener = null;
  }

  toggle() {
    this.isOpen = !this.isOpen;
    const dock = byId("backstage");
    dock.hidden = !this.isOpen;
    document.body.classList.toggle("backstage-open", this.isOpen);
    if (this.isOpen) this.opener = document.activeElement;
    dock.onkeydown = (event) => {
      if (event.key === "Escape") this.toggle();
    };
    this.refresh();
    this.redraw();
    if (this.isOpen) byId(`tab-${this.tab}`).focus();
    else this.opener?.focus();
  }

  sawCall(call) {
    this.flow.sawCall(call);
  }

  sawPassing(passing) {
    this.flow.sawPassing(passing);
  }

  sawSite(dealer) {
    this.flow.sawSite(dealer);
    if (this.isOpen) this.sites.load(dealer);
  }

  refresh() {
    this.calls.watch(this.isOpen && this.tab === "calls");
    this.operator.watch(this.isOpen && this.tab === "operator");
    if (this.isOpen && this.tab === "sites") this.sites.load();
  }

  draw() {
    if (!this.isOpen) return;
    patchChildren(byId("backstage"), [
      el(
        "header",
        { class: "dock-top" },
        el("h2", null, "Behind the scenes"),
        this.tabs(),
        button("✕", () => this.toggle(), { class: "icon", "aria-label": "Close behind the scenes" }),
      ),
      this.flow.node(),
      el(
        "div",
        { id: "backstage-panel", "data-key": `panel-${this.tab}`, role: "tabpanel", tabindex: 0, "aria-labelledby": `tab-${this.tab}` },
        this.panel(),
      ),
    ]);
  }

  panel() {
    if (this.tab === "events") return drawEvents(this.store);
    if (this.tab === "calls") return this.calls.node();
    return this.tab === "sites" ? this.sites.node() : this.operator.node();
  }

  tabs() {
    const names = Object.keys(TABS);
    const tab = (name) =>
      button(TABS[name], () => this.choose(name), {
        id: `tab-${name}`,
        "data-key": name,
        role: "tab",
        "aria-selected": String(name === this.tab),
        "aria-controls": "backstage-panel",
        tabindex: name === this.tab ? 0 : -1,
      });
    const step = (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move) return;
      this.choose(names[(names.indexOf(this.tab) + move + names.length) % names.length]);
      byId(`tab-${this.tab}`).focus();
    };
    return el("div", { role: "tablist", "aria-label": "Behind the scenes", onkeydown: step }, names.map(tab));
  }

  choose(name) {
    this.tab = name;
    this.refresh();
    this.draw();
  }
}
