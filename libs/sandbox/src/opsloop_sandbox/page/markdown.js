/* The markdown block: the Markdown that Slack documents for it, as nodes. Ours for the reasons given in mrkdwn.js.
   https://docs.slack.dev/reference/block-kit/blocks/markdown-block */

import { el } from "./dom.js";
import { anchor } from "./links.js";

const INLINE = /(`+)(.+?)\1|\*\*(.+?)\*\*|__(.+?)__|~~(.+?)~~|\*(.+?)\*|(?<!\w)_(.+?)_(?!\w)|!?\[([^\]]*)\]\(([^)\s]+)\)/;

export function markdown(text) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const nodes = [];
  while (lines.length) nodes.push(block(lines));
  return el("div", { class: "rich" }, nodes);
}

/** Takes one block off the front of the lines. */
function block(lines) {
  const first = lines.shift();
  if (/^\s*$/.test(first)) return null;
  if (/^```/.test(first)) return fence(lines);
  if (/^ {0,3}(-{3,}|\*{3,}|_{3,})\s*$/.test(first)) return el("hr");
  const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(first);
  // Headings of a message stand below those of the page.
  if (heading) return el(`h${Math.min(6, heading[1].length + 2)}`, null, inline(heading[2]));
  if (/^>/.test(first)) return el("blockquote", null, prose(run(first, lines, /^>\s?(.*)$/)));
  if (BULLET.test(first)) return el("ul", null, run(first, lines, BULLET).map(item));
  if (NUMBER.test(first)) return el("ol", null, run(first, lines, NUMBER).map(item));
  const paragraph = [first];
  while (lines.length && !STARTS_BLOCK.test(lines[0])) paragraph.push(lines.shift());
  return el("p", null, prose(paragraph));
}

const BULLET = /^\s*[-*+]\s+(.*)$/;
const NUMBER = /^\s*\d+[.)]\s+(.*)$/;
const STARTS_BLOCK = /^\s*$|^```|^#{1,6}\s|^>|^\s*[-*+]\s|^\s*\d+[.)]\s/;

function fence(lines) {
  const code = [];
  while (lines.length && !/^```/.test(lines[0])) code.push(lines.shift());
  lines.shift();
  return el("pre", { class: "code", tabindex: 0 }, code.join("\n"));
}

function run(first, lines, pattern) {
  const found = [pattern.exec(first)[1]];
  while (lines.length && pattern.test(lines[0])) found.push(pattern.exec(lines.shift())[1]);
  return found;
}

function item(text) {
  const task = /^\[( |x)\]\s+(.*)$/i.exec(text);
  return el("li", null, task ? [task[1] === " " ? "☐ " : "☑ ", inline(task[2])] : inline(text));
}

function prose(lines) {
  return lines.flatMap((line, index) => (index ? [el("br"), inline(line)] : [inline(line)]));
}

function inline(text) {
  const nodes = [];
  let rest = text;
  let found;
  while ((found = INLINE.exec(rest))) {
    nodes.push(rest.slice(0, found.index), styled(found));
    rest = rest.slice(found.index + found[0].length);
  }
  return [...nodes, rest];
}

function styled([, , code, strong, strong2, strike, em, em2, label, url]) {
  if (code !== undefined) return el("code", null, code);
  if (url !== undefined) return anchor(url, label);
  if (strike !== undefined) return el("s", null, inline(strike));
  const bold = strong ?? strong2;
  return bold !== undefined ? el("strong", null, inline(bold)) : el("em", null, inline(em ?? em2));
}
