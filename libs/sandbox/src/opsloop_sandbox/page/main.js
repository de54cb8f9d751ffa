/* Puts the page together: loads the state, follows the stream, draws what changed. */

import { clickMessage, command, loadMessages, say } from "./actions.js";
import { get, post } from "./api.js";
import { Backstage } from "./backstage.js";
import { drawChannel } from "./channel.js";
import { completions } from "./completion.js";
import { composer } from "./composer.js";
import { learn } from "./directory.js";
import { byId } from "./dom.js";
import { onJump } from "./links.js";
import { spoken } from "./message.js";
import { announce, attempt, toast } from "./notice.js";
import * as route from "./route.js";
import { followEnd, toEnd } from "./scroll.js";
import { drawSidebar, initSidebar, toggleSidebar } from "./sidebar.js";
import { Store } from "./store.js";
import { follow } from "./stream.js";
import { closeThread, drawThread, openThread } from "./thread.js";
import { drawTop } from "./top.js";
import { drawHome, drawModal } from "./views.js";

const store = new Store();
const backstage = new Backstage(store, () => draw());
let unfollow = () => {};
let waiting = null; // events that came while the state was being loaded

const box = composer({
  label: "Type / for what OpsLoop can do",
  completions: (typed) => (store.info ? completions(typed, store.info) : []),
  onSend: (text) => say(store, text),
  onCommand: (text) => command(store, text),
});

const acts = {
  click: (message, element, block, value) => clickMessage(store, store.place, message, element, block, value),
  openThread: (ts) => openThread(store, ts, acts),
  say: (text, thread) => say(store, text, thread),
  refuse: toast,
  suggest: (text) => box.suggest(text),
};

async function load() {
  const [workspace, info] = await Promise.all([get("/control/workspace"), get("/control/page")]);
  store.workspace = workspace;
  store.info = info;
  store.passed = info.passed;
  learn(workspace, info.domain);
  if (!workspace.users.some((user) => user.id === store.me)) store.me = workspace.users[0].id;
  if (!isPlace(store.place)) store.place = store.channels()[0]?.id ?? "home";
  const [views, calls] = await Promise.all([
    get("/control/views", { user: store.me }),
    get("/control/recent"),
    loadPlace(),
  ]);
  store.views = views;
  store.calls = calls;
}

function isPlace(place) {
  return place === "home" || place === store.direct || store.channels().some((channel) => channel.id === place);
}

async function loadPlace() {
  if (store.place !== "home") await loadMessages(store, store.place);
}

function draw() {
  if (!store.workspace) return;
  drawSidebar(store, { goTo, actAs });
  drawTop(store, {
    goTo,
    toggleSidebar,
    toggleBackstage: () => backstage.toggle(),
    isBackstageOpen: backstage.isOpen,
  });
  byId("compose").hidden = store.place === "home";
  if (store.place === "home") drawHome(store);
  else drawChannel(store, acts);
  drawThread(store, acts);
  drawModal(store);
  backstage.draw();
}

async function goTo(place) {
  document.body.classList.remove("sidebar-open");
  closeThread(store);
  store.place = place;
  store.unread.delete(place);
  route.write(store.me, place);
  await attempt(loadPlace);
  if (place === "home") attempt(() => post("/control/events", { type: "app_home_opened", user: store.me }));
  draw();
  toEnd(byId("messages"));
}

function actAs(user) {
  const isAtApp = store.place === "home" || store.place === store.direct;
  store.me = user;
  store.messages.clear();
  store.unread.clear();
  closeThread(store);
  if (isAtApp) store.place = "home";
  if (!isPlace(store.place)) store.place = "C0OPS";
  route.write(user, store.place);
  start();
}

async function jump({ channel, ts, thread }) {
  if (channel !== store.place) await goTo(channel);
  if (thread && thread !== ts) openThread(store, thread, acts);
  const node = byId(`m-${ts}`) ?? byId(`t-${ts}`);
  if (!node) return toast("That message is no longer here.");
  node.scrollIntoView({ block: "center" });
  node.focus();
  node.classList.add("found");
  setTimeout(() => node.classList.remove("found"), 2000);
}

const HANDLERS = {
  message({ channel, message }) {
    const before = store.messages.get(channel)?.get(message.ts);
    const isNew = store.put(channel, message);
    if (channel === store.place && isNew) announce(spoken(message));
    else if (channel !== store.place && message.user !== store.me) store.unread.add(channel);
    const reply = message.replies.at(-1);
    if (before && reply && message.replies.length > before.replies.length && channel === store.place) {
      announce(`Reply in thread. ${spoken(reply)}`);
    }
  },
  gone({ channel, ts }) {
    store.messages.get(channel)?.delete(ts);
  },
  async channel() {
    store.workspace = await get("/control/workspace");
    learn(store.workspace, store.info.domain);
  },
  async views() {
    store.views = await get("/control/views", { user: store.me });
  },
  call(call) {
    store.calls.push(call);
    store.calls.splice(0, Math.max(0, store.calls.length - 200));
    backstage.sawCall(call);
  },
  passing(passing) {
    store.passed.push(passing);
    store.passed.splice(0, Math.max(0, store.passed.length - 300));
    backstage.sawPassing(passing);
  },
  bus({ state }) {
    store.info.bus = state;
  },
  site({ dealer }) {
    backstage.sawSite(dealer);
  },
};

async function onEvent(name, data) {
  if (name === "lost") {
    store.isLive = false;
    return draw();
  }
  if (name === "hello") return begin();
  if (waiting) return waiting.push([name, data]);
  await attempt(() => HANDLERS[name](data));
  return schedule();
}

async function begin() {
  waiting = [];
  const isFirst = !store.isLive && !store.workspace;
  const isLoaded = await attempt(async () => {
    await load();
    return true;
  });
  store.isLive = Boolean(isLoaded);
  const held = waiting;
  waiting = null;
  draw();
  if (isFirst) {
    toEnd(byId("messages"));
    box.querySelector("input").focus();
  }
  for (const [name, data] of held) await onEvent(name, data);
}

let isScheduled = false;
/** Many changes, one drawing. Not by animation frame: a window in the background has none. */
function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  setTimeout(() => {
    isScheduled = false;
    draw();
  }, 30);
}

function start() {
  unfollow();
  unfollow = follow(`/control/stream?user=${encodeURIComponent(store.me)}`, onEvent);
}

byId("compose").append(box);
followEnd(byId("messages"));
onJump(jump);
route.onChange(({ user, place }) => {
  if (user !== store.me) {
    store.place = place;
    actAs(user);
  } else if (place !== store.place) goTo(place);
});
({ user: store.me, place: store.place } = route.read());
initSidebar();
start();
