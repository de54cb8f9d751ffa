/* Times, in the reader's own zone and language. */

export function clock(ts) {
  return at(ts).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

export function exactClock(seconds) {
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  return `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

export function full(ts) {
  return at(ts).toLocaleString([], { dateStyle: "long", timeStyle: "medium" });
}

/** "Today", "Yesterday", or the day. */
export function day(ts) {
  return pretty(at(ts)) ?? at(ts).toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
}

/** The format of `<!date^…>`: https://docs.slack.dev/messaging/formatting-message-text#date-formatting */
export function formatted(seconds, format) {
  const date = new Date(seconds * 1000);
  const dates = {
    date_num: () => date.toLocaleDateString("sv-SE"),
    date_slash: () => date.toLocaleDateString("sv-SE").replaceAll("-", "/"),
    date: () => date.toLocaleDateString([], { month: "long", day: "numeric", year: "numeric" }),
    date_short: () => date.toLocaleDateString([], { month: "short", day: "numeric", year: "numeric" }),
    date_long: () => date.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric", year: "numeric" }),
    time: () => date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" }),
    time_secs: () => date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit", second: "2-digit" }),
    ago: () => ago(date),
  };
  return format.replace(/\{(\w+?)(_pretty)?\}/g, (whole, name, wantsPretty) => {
    const plain = dates[name];
    if (!plain) return whole;
    return (wantsPretty && pretty(date)?.toLowerCase()) || plain();
  });
}

function at(ts) {
  return new Date(Number(ts) * 1000);
}

function pretty(date) {
  const days = Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
  return { 0: "Today", 1: "Yesterday", [-1]: "Tomorrow" }[days];
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function ago(date) {
  const minutes = Math.round((Date.now() - date.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 1440 ? `${Math.round(minutes / 60)} h ago` : `${Math.round(minutes / 1440)} days ago`;
}
