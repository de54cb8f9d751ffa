/* What a person does: type, click, go somewhere. */

import { get, post } from "./api.js";
import { confirmed } from "./confirm.js";
import { attempt, toast } from "./notice.js";

export async function clickMessage(store, channel, message, element, block, value) {
  if (element.confirm && !(await confirmed(element.confirm))) return;
  const request = { user: store.me, channel, message_ts: message.ts, action_id: element.action_id };
  await attempt(() => post("/control/clicks", { ...request, block_id: block.block_id, value: value ?? null }));
}

/** `place` is a channel's id; a conversation with the app is opened by the sandbox on first use. */
export function say(store, text, thread = null) {
  return attempt(() => post("/control/messages", { user: store.me, channel: channelOf(store), text: escaped(text), thread_ts: thread }));
}

export function command(store, typed) {
  const [word] = typed.split(/\s+/);
  if (word !== store.info.command) {
    toast(`${word} is not a valid command. Try ${store.info.command} help.`);
    return undefined;
  }
  const text = typed.slice(word.length).trim();
  return attempt(() => post("/control/commands", { user: store.me, channel: channelOf(store), command: word, text }));
}

export async function loadMessages(store, place) {
  const query = { user: store.me, channel: place === store.direct ? "@me" : place };
  const seen = await get("/control/messages", query);
  store.fill(seen.channel, seen.messages);
}

function channelOf(store) {
  return store.place === store.direct ? "@me" : store.place;
}

/** Slack stores what people type with its three control characters escaped. */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
