/* What the page knows, and who wants to hear when it changes. */

export class Store {
  constructor() {
    this.info = null;
    this.workspace = null;
    this.me = "U0ALICE";
    this.place = "C0OPS"; // a channel's id, or "home"
    this.thread = null; // the ts of the open thread
    this.messages = new Map(); // channel -> Map of ts -> message
    this.views = { modal: null, home: null };
    this.unread = new Set();
    this.calls = [];
    this.passed = [];
    this.isLive = false;
    this.listeners = new Map();
  }

  on(topic, listener) {
    this.listeners.set(topic, [...(this.listeners.get(topic) ?? []), listener]);
  }

  tell(topic, detail) {
    for (const listener of this.listeners.get(topic) ?? []) listener(detail);
  }

  /** The channel of the person's own conversation with the app. */
  get direct() {
    return `D${this.me.slice(1)}`;
  }

  channels() {
    return this.workspace.channels.filter((channel) => channel.name && channel.members.includes(this.me));
  }

  channel(id) {
    return this.workspace.channels.find((channel) => channel.id === id);
  }

  /** Oldest first. */
  list(channel) {
    return [...(this.messages.get(channel)?.values() ?? [])].sort((one, other) => (one.ts < other.ts ? -1 : 1));
  }

  put(channel, message) {
    const known = this.messages.get(channel);
    if (!known) return false;
    const isNew = !known.has(message.ts);
    known.set(message.ts, message);
    return isNew;
  }

  fill(channel, messages) {
    this.messages.set(channel, new Map(messages.map((message) => [message.ts, message])));
  }
}
