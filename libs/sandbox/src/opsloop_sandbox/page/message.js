/* One message as its reader sees it. */

import { blocks } from "./blocks.js";
import { fullName } from "./directory.js";
import { button, el } from "./dom.js";
import { face, nameOf } from "./face.js";
import { loud } from "./loud.js";
import { clock, full } from "./moment.js";
import { mrkdwn } from "./mrkdwn.js";

/** `acts`: {click(message, element, block, value), openThread(ts)}; no openThread inside a thread. */
export function messageNode(message, acts) {
  const classes = ["message", message.ephemeral ? "ephemeral" : "", message.deleted ? "deleted" : ""];
  return el(
    "article",
    { class: classes.join(" ").trim(), "data-key": message.ts, id: `${acts.prefix}${message.ts}`, tabindex: -1 },
    message.ephemeral ? el("p", { class: "only-you" }, el("span", { "aria-hidden": "true" }, "👁 "), "Only visible to you") : null,
    message.broadcast && acts.openThread ? el("p", { class: "only-you" }, "Also sent to the channel from a thread") : null,
    face(message.user),
    el("div", { class: "body" }, head(message), content(message, acts), foot(message, acts)),
  );
}

function head(message) {
  return el(
    "p",
    { class: "who" },
    nameOf(message.user),
    el("time", { title: full(message.ts), datetime: new Date(message.ts * 1000).toISOString() }, clock(message.ts)),
  );
}

function content(message, acts) {
  if (message.deleted) return el("p", { class: "text quiet" }, message.text);
  const inside = { click: (element, block, value) => acts.click(message, element, block, value) };
  const shown = message.blocks.length ? blocks(message.blocks, inside) : el("div", { class: "text" }, mrkdwn(message.text));
  return [
    shown,
    message.edited ? el("span", { class: "quiet edited" }, "(edited)") : null,
    (message.attachments ?? []).map((attachment) => loud("attachment", attachment)),
  ];
}

function foot(message, acts) {
  const replies = message.replies.filter((reply) => !reply.ephemeral && !reply.deleted);
  return [
    message.notices.map((notice) => el("p", { class: "warning", role: "note" }, "⚠️ ", notice)),
    replies.length && acts.openThread ? threadLine(message, replies, acts) : null,
    acts.openThread && !replies.length && !message.ephemeral && !message.deleted
      ? button("Reply in thread", () => acts.openThread(message.ts), { class: "reply", "data-key": "reply" })
      : null,
  ];
}

function threadLine(message, replies, acts) {
  const people = [...new Set(replies.map((reply) => reply.user))].slice(0, 4);
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  return el(
    "button",
    { type: "button", class: "thread-line", "data-key": "thread", onclick: () => acts.openThread(message.ts) },
    people.map((id) => face(id, "small")),
    el("span", { class: "count" }, count),
    el("span", { class: "quiet" }, `Last at ${clock(replies.at(-1).ts)}`),
  );
}

/** A message in a sentence, for those who do not see it. */
export function spoken(message) {
  const shownTo = message.ephemeral ? " (only to you)" : "";
  return `${fullName(message.user)}${shownTo}: ${message.text.replace(/<[^>|]*\|([^>]*)>/g, "$1").slice(0, 300)}`;
}
