/* Who and what the ids in messages are called. */

const known = { users: new Map(), channels: new Map(), domain: "", bot: "" };

export function learn(workspace, domain) {
  known.users = new Map(workspace.users.map((user) => [user.id, user]));
  known.channels = new Map(workspace.channels.map((channel) => [channel.id, channel.name]));
  known.domain = domain;
  known.bot = workspace.bot_user_id;
}

export function isApp(id) {
  return id === known.bot;
}

export function fullName(id) {
  if (isApp(id)) return "OpsLoop";
  if (id === "USLACKBOT") return "Slackbot";
  return known.users.get(id)?.real_name ?? id;
}

export function shortName(id) {
  return isApp(id) ? "OpsLoop" : (known.users.get(id)?.name ?? id);
}

export function channelName(id) {
  return known.channels.get(id) || id;
}

/** Which message of this workspace a permalink names: {channel, ts, thread}, or null. */
export function permalink(url) {
  const found = /^https:\/\/([\w-]+)\.slack\.com\/archives\/(\w+)\/p(\d{10})(\d{6})/.exec(url);
  if (!found || found[1] !== known.domain) return null;
  return { channel: found[2], ts: `${found[3]}.${found[4]}`, thread: new URL(url).searchParams.get("thread_ts") };
}
