/* The line above the messages: where one is, and the switch to what happens behind the scenes. */

import { byId, button, el } from "./dom.js";
import { patchChildren } from "./patch.js";

export function drawTop(store, { goTo, toggleSidebar, toggleBackstage, isBackstageOpen }) {
  const channel = store.channel(store.place);
  const isApp = store.place === "home" || store.place === store.direct;
  const title = isApp ? "OpsLoop" : `${channel?.is_private ? "🔒" : "#"} ${channel?.name ?? store.place}`;
  patchChildren(byId("top"), [
    button("☰", toggleSidebar, { class: "icon menu", "aria-label": "Channels and people", "aria-controls": "sidebar" }),
    el("div", { class: "where" }, el("h1", { id: "place-name" }, title), about(store, channel, isApp)),
    isApp ? tabs(store, goTo) : null,
    button("Behind the scenes", toggleBackstage, {
      class: "curtain",
      "aria-expanded": String(isBackstageOpen),
      "aria-controls": "backstage",
    }),
  ].filter(Boolean));
}

function about(store, channel, isApp) {
  if (isApp) return el("p", { class: "quiet" }, "Your own place with the app");
  const others = channel ? channel.members.filter((member) => member !== store.workspace.bot_user_id).length : 0;
  const bot = channel?.is_member ? " and the OpsLoop app" : " · the OpsLoop app is not in here";
  return el("p", { class: "quiet" }, `${others} ${others === 1 ? "person" : "people"}${bot}`);
}

function tabs(store, goTo) {
  const tab = (id, label) =>
    button(label, () => goTo(id), { "data-key": id, "aria-current": store.place === id ? "true" : null });
  return el("div", { class: "tabs", role: "group", "aria-label": "App" }, tab("home", "Home"), tab(store.direct, "Messages"));
}
