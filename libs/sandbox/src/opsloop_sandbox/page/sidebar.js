/* The left column: who one acts as, the channels, the app. */

import { byId, button, el } from "./dom.js";
import { face } from "./face.js";
import { patchChildren } from "./patch.js";

export function drawSidebar(store, { goTo, actAs }) {
  const channels = store.channels();
  patchChildren(byId("sidebar"), [
    el(
      "div",
      { class: "brand" },
      el("img", { src: "/page/icon.svg", alt: "", class: "face" }),
      el("div", null, el("strong", null, "OpsLoop"), el("div", { class: "quiet" }, "Local Slack, on this machine")),
    ),
    people(store, actAs),
    el("h2", null, "Channels"),
    el("ul", null, channels.map((channel) => place(store, channel.id, `${channel.is_private ? "🔒" : "#"} ${channel.name}`, goTo))),
    el("h2", null, "Apps"),
    el("ul", null, place(store, "home", [el("img", { src: "/page/icon.svg", alt: "", class: "face small" }), "OpsLoop"], goTo)),
    el(
      "p",
      { class: `link-state ${store.isLive ? "live" : "lost"}` },
      el("span", { class: "dot", "aria-hidden": "true" }),
      store.isLive ? "Live" : "Connection lost – trying again…",
    ),
  ]);
}

/** In a narrow window the column slides in over the messages. */
export function toggleSidebar() {
  const isOpen = document.body.classList.toggle("sidebar-open");
  if (isOpen) byId("sidebar").querySelector("button").focus();
  else document.querySelector(".menu").focus();
}

/** Escape, or a click beside it, closes it again. */
export function initSidebar() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isOpen()) toggleSidebar();
  });
  document.addEventListener("click", (event) => {
    if (isOpen() && !event.target.closest("#sidebar, .menu")) toggleSidebar();
  });
}

function isOpen() {
  return document.body.classList.contains("sidebar-open");
}

function people(store, actAs) {
  return el(
    "fieldset",
    { class: "people" },
    el("legend", null, "You act as"),
    store.workspace.users.map((user) =>
      el(
        "button",
        {
          type: "button",
          "data-key": user.id,
          "aria-pressed": String(user.id === store.me),
          onclick: () => actAs(user.id),
        },
        face(user.id, "small"),
        user.real_name,
      ),
    ),
  );
}

function place(store, id, label, goTo) {
  const isHere = store.place === id || (id === "home" && store.place === store.direct);
  const isUnread = store.unread.has(id) || (id === "home" && store.unread.has(store.direct));
  return el(
    "li",
    { "data-key": id },
    button(label, () => goTo(id), {
      class: isUnread ? "place unread" : "place",
      "aria-current": isHere ? "page" : null,
      "aria-description": isUnread ? "unread messages" : null,
    }),
  );
}
