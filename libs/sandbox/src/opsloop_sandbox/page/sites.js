/* A dealer's page before and after: the structured data in it as it was found, and as it is now. */

import { get, post } from "./api.js";
import { compared } from "./diff.js";
import { button, el } from "./dom.js";
import { attempt } from "./notice.js";

const MODES = {
  ok: "answers",
  slow: "is slow",
  down: "is down (503)",
  hang: "never answers",
  not_html: "is not HTML",
  huge: "is huge",
  login: "asks for a login",
  redirect: "redirects",
};

export class Sites {
  constructor(store, redraw) {
    this.store = store;
    this.redraw = redraw;
    this.dealer = null;
    this.site = null;
  }

  /** `changed`: load only if this dealer is shown, or none was chosen yet. */
  async load(changed) {
    this.isChosen ??= false;
    if (changed && this.isChosen && changed !== this.dealer) return;
    this.dealer = changed ?? this.dealer ?? this.store.info.dealers[0];
    this.site = await attempt(() => get(`/control/sites/${this.dealer}`));
    this.redraw();
  }

  choose(dealer) {
    this.isChosen = true;
    this.dealer = dealer;
    this.load();
  }

  async change(request) {
    this.site = await attempt(() => post(`/control/sites/${this.dealer}`, request));
    this.redraw();
  }

  node() {
    if (!this.site) return el("p", { class: "empty" }, "Loading…");
    return [this.controls(), this.comparison()];
  }

  controls() {
    const option = (chosen) => ([value, label]) => el("option", { value, selected: value === chosen }, label);
    const dealers = this.store.info.dealers.map((dealer) => [dealer, dealer]);
    return el(
      "div",
      { class: "controls" },
      el("label", null, "Dealer ", el("select", { "data-key": `dealer-${this.dealer}`, onchange: (event) => this.choose(event.target.value) }, dealers.map(option(this.dealer)))),
      el("label", null, "The site ", el("select", { "data-key": `mode-${this.dealer}-${this.site.mode}`, onchange: (event) => this.change({ mode: event.target.value }) }, Object.entries(MODES).map(option(this.site.mode)))),
      el("a", { href: `/sites/${this.dealer}/`, target: "_blank", rel: "noopener" }, "Open the page"),
      button("As it was found", () => this.change({ reset: true }), { class: "action" }),
    );
  }

  comparison() {
    const before = pretty(this.site.original);
    const after = pretty(this.site.jsonld);
    const [old, fresh] = compared(before, after);
    const isSame = this.site.original === this.site.jsonld;
    return el(
      "div",
      { class: "comparison" },
      side("As it was found", old, "old"),
      isSame ? el("p", { class: "empty" }, "Nothing has changed on this page yet.") : side("Now", fresh, "new"),
    );
  }
}

function side(title, lines, which) {
  return el(
    "section",
    null,
    el("h3", null, title),
    el(
      "pre",
      { class: `code sheet ${which}`, tabindex: 0, "aria-label": title },
      lines.map(({ line, isChanged }) => el(isChanged ? (which === "old" ? "del" : "ins") : "span", null, `${line}\n`)),
    ),
  );
}

/** JSON in one shape, so that only what differs stands out; what is no JSON stays as it is. */
function pretty(text) {
  if (text === null) return "(the page has no structured data)";
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text.trim();
  }
}
