/* The pane with one message's replies. */

import { composer } from "./composer.js";
import { byId, button, el } from "./dom.js";
import { messageNode } from "./message.js";
import { patchChildren } from "./patch.js";
import { followEnd, keepEnd, toEnd } from "./scroll.js";

let opener = null;

/** Opens the pane; when it closes, the focus goes back to where it was. */
export function openThread(store, ts, acts) {
  if (byId("thread").hidden) opener = document.activeElement;
  store.thread = ts;
  const pane = byId("thread");
  const list = el("div", { class: "replies", tabindex: 0, role: "group", "aria-label": "Replies" });
  const close = button("✕", () => closeThread(store), { class: "icon", "aria-label": "Close thread" });
  pane.replaceChildren(
    el("header", { class: "pane-top" }, el("h2", null, "Thread"), close),
    list,
    composer({
      label: "Reply in thread",
      completions: () => [],
      onSend: (text) => acts.say(text, ts),
      onCommand: () => acts.refuse("Slash commands do not work in threads. Type it in the channel."),
    }),
  );
  pane.hidden = false;
  pane.onkeydown = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) closeThread(store);
  };
  followEnd(list);
  drawThread(store, acts);
  toEnd(list);
  close.focus();
}

export function closeThread(store) {
  const pane = byId("thread");
  if (pane.hidden) return;
  store.thread = null;
  pane.hidden = true;
  pane.replaceChildren();
  if (opener?.isConnected) opener.focus();
  else byId("messages").focus();
}

export function drawThread(store, acts) {
  const list = document.querySelector("#thread .replies");
  if (!store.thread || !list) return;
  const parent = store.messages.get(store.place)?.get(store.thread);
  if (!parent) {
    closeThread(store);
    return;
  }
  const inThread = { ...acts, openThread: null, prefix: "t-" };
  const count = parent.replies.length;
  const nodes = [
    messageNode(parent, inThread),
    el("p", { class: "reply-count", "data-key": "count" }, el("span", null, `${count} ${count === 1 ? "reply" : "replies"}`)),
    ...parent.replies.map((reply) => messageNode(reply, inThread)),
  ];
  keepEnd(list, () => patchChildren(list, nodes));
}
