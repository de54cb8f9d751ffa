/* Slack's mrkdwn as nodes.
   Ours, because the kept libraries that show Slack's markup are React components, which need a build step and React in
   the page, or return HTML text to be trusted; here foreign text must stay text. It makes nodes, never markup.
   https://docs.slack.dev/messaging/formatting-message-text */

import { channelName, shortName } from "./directory.js";
import { el } from "./dom.js";
import { emoji } from "./emoji.js";
import { anchor } from "./links.js";
import { formatted } from "./moment.js";

const STYLES = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
const BROADCASTS = { here: "@here", channel: "@channel", everyone: "@everyone" };

/** Nodes for a whole text. `verbatim`: bare addresses stay text. */
export function mrkdwn(text, { verbatim = false } = {}) {
  return text.split(/```([\s\S]+?)```/g).flatMap((part, index) => {
    if (index % 2) return [el("pre", { class: "code", tabindex: 0 }, unescape(part.replace(/^\n|\n$/g, "")))];
    return quoted(part, verbatim);
  });
}

/** Plain text in which only :shortcodes: mean something. */
export function plain(text, { withEmoji = true } = {}) {
  return withEmoji ? text.replace(/:([\w+'-]+):/g, (whole, name) => emoji(name) ?? whole) : text;
}

function quoted(text, verbatim) {
  const groups = [];
  for (const line of text.split("\n")) {
    const quote = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    const last = groups.at(-1);
    if (last && last.isQuote === Boolean(quote)) last.lines.push(quote ? quote[1] : line);
    else groups.push({ isQuote: Boolean(quote), lines: [quote ? quote[1] : line] });
  }
  return groups.flatMap(({ isQuote, lines }) => {
    const nodes = inline(lines.join("\n"), verbatim);
    return isQuote ? [el("blockquote", null, nodes)] : nodes;
  });
}

function inline(text, verbatim) {
  const nodes = [];
  let plainText = "";
  let at = 0;
  const flush = () => {
    if (plainText) nodes.push(unescape(plainText));
    plainText = "";
  };
  while (at < text.length) {
    const found = special(text, at, verbatim);
    if (found) {
      flush();
      nodes.push(found.node);
      at += found.length;
    } else {
      plainText += text[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

/** What begins at this place, if it is more than a character: {node, length}. */
function special(text, at, verbatim) {
  const rest = text.slice(at);
  const match = (pattern) => pattern.exec(rest);
  let found;
  if (text[at] === "\n") return { node: el("br"), length: 1 };
  if ((found = match(/^`([^`\n]+)`/))) return { node: el("code", null, unescape(found[1])), length: found[0].length };
  if ((found = match(/^<([^<>\n]+)>/))) return { node: bracketed(found[1]), length: found[0].length };
  if ((found = match(/^:([\w+'-]+):/)) && emoji(found[1])) return { node: sign(found[1]), length: found[0].length };
  if (!verbatim && (found = match(/^https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)]/))) {
    return { node: anchor(unescape(found[0])), length: found[0].length };
  }
  return styled(text, at, verbatim);
}

function styled(text, at, verbatim) {
  const mark = text[at];
  if (!(mark in STYLES) || (at > 0 && WORD.test(text[at - 1]))) return null;
  const end = closing(text, at, mark);
  if (end < 0) return null;
  return { node: el(STYLES[mark], null, inline(text.slice(at + 1, end), verbatim)), length: end - at + 1 };
}

/** Where the style that begins at `at` ends: before no letter, after no space, in the same line; -1 if nowhere. */
function closing(text, at, mark) {
  if (/\s/.test(text[at + 1] ?? " ")) return -1;
  for (let end = at + 2; end < text.length && text[end] !== "\n"; end += 1) {
    if (text[end] === "<") end = Math.max(end, text.indexOf(">", end));
    if (text[end] === mark && !/\s/.test(text[end - 1]) && !WORD.test(text[end + 1] ?? " ")) return end;
  }
  return -1;
}

/** What stands in angle brackets: a person, a channel, a date, a call to all, or a link. */
function bracketed(inside) {
  const [target, label] = split(inside);
  if (target.startsWith("@")) return mention(`@${label || shortName(target.slice(1))}`);
  if (target.startsWith("#")) return mention(`#${label || channelName(target.slice(1))}`);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return mention(BROADCASTS[target.slice(1)] ?? (unescape(label) || `@${target.slice(1)}`));
  return anchor(unescape(target), label ? unescape(label) : "");
}

function split(inside) {
  const bar = inside.indexOf("|");
  return bar < 0 ? [inside, ""] : [inside.slice(0, bar), inside.slice(bar + 1)];
}

export function mention(text) {
  return el("span", { class: "mention" }, text);
}

function date(target, fallback) {
  const [, seconds, format, link] = target.split("^");
  if (!/^\d+$/.test(seconds ?? "") || !format) return unescape(fallback);
  const text = formatted(Number(seconds), unescape(format));
  if (link) return anchor(unescape(link), text);
  return el("time", { datetime: new Date(seconds * 1000).toISOString(), title: unescape(fallback) || null }, text);
}

export function sign(name) {
  return el("span", { role: "img", "aria-label": name.replaceAll("_", " ") }, emoji(name) ?? `:${name}:`);
}

function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
