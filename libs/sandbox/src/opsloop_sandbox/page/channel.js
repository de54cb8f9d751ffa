/* The messages of the place one is in, by day, after a welcome that says what to try. */

import { byId, button, el } from "./dom.js";
import { messageNode } from "./message.js";
import { day } from "./moment.js";
import { patchChildren } from "./patch.js";
import { keepEnd } from "./scroll.js";

const PAGE_OF_MESSAGES = 200;
const before = new WeakMap(); // the messages as they were last drawn
let shown = { place: "", most: PAGE_OF_MESSAGES };

export function drawChannel(store, acts) {
  const list = byId("messages");
  if (shown.place !== store.place) shown = { place: store.place, most: PAGE_OF_MESSAGES };
  const messages = store.list(store.place);
  const hidden = messages.length - shown.most;
  const nodes = [hidden > 0 ? earlier(hidden, () => drawChannel(store, acts)) : welcome(store, acts)];
  let lastDay = "";
  for (const message of messages.slice(Math.max(0, hidden))) {
    const today = day(message.ts);
    if (today !== lastDay) nodes.push(el("h2", { class: "day", "data-key": `day-${today}` }, el("span", null, today)));
    lastDay = today;
    nodes.push(drawn(message) ?? messageNode(message, { ...acts, prefix: "m-" }));
    before.set(message, true);
  }
  keepEnd(list, () => patchChildren(list, nodes));
}

/** The node of a message that is on the page just so. */
function drawn(message) {
  return before.has(message) ? byId(`m-${message.ts}`) : null;
}

function earlier(count, redraw) {
  const more = () => {
    shown.most += PAGE_OF_MESSAGES;
    redraw();
  };
  return el("p", { class: "welcome", "data-key": "earlier" }, button(`Show earlier messages (${count})`, more, { class: "action" }));
}

function welcome(store, acts) {
  const channel = store.channel(store.place);
  const title = channel?.name ? `Welcome to #${channel.name}` : "Your messages with OpsLoop";
  return el(
    "section",
    { class: "welcome", "data-key": `welcome-${store.place}` },
    el("h2", null, title),
    channel && !channel.is_member
      ? el("p", null, "The OpsLoop app is not in this channel. Type a command to see what it does about that.")
      : el("p", null, "OpsLoop runs tasks for you and shows them live, right here. Try one:"),
    el("div", { class: "tries" }, tries(store).map(([label, command]) => attempt(label, command, acts))),
  );
}

function tries(store) {
  const { command, dealers, tasks } = store.info;
  const [first] = dealers;
  return [
    ["Look at a dealer", `${command} status ${first}`],
    ...(tasks.length ? [["Run a task", `${command} run ${tasks[0]} ${first}`]] : []),
    ...(tasks.length && dealers.includes("orlando-ford") ? [["See one fail", `${command} run ${tasks[0]} orlando-ford`]] : []),
    ["See everything", `${command} help`],
  ];
}

function attempt(label, command, acts) {
  return button([el("span", null, label), el("code", null, command)], () => acts.suggest(command), { class: "try" });
}
