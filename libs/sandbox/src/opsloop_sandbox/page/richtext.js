/* rich_text blocks. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */

import { channelName, shortName } from "./directory.js";
import { el } from "./dom.js";
import { anchor } from "./links.js";
import { loud } from "./loud.js";
import { formatted } from "./moment.js";
import { mention, sign } from "./mrkdwn.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code" };

export function richText(block) {
  return el("div", { class: "rich" }, (block.elements ?? []).map(part));
}

function part(element) {
  const inner = () => (element.elements ?? []).map(leaf);
  switch (element.type) {
    case "rich_text_section":
      return el("p", null, inner());
    case "rich_text_preformatted":
      return el("pre", { class: "code", tabindex: 0 }, inner());
    case "rich_text_quote":
      return el("blockquote", null, inner());
    case "rich_text_list":
      return list(element);
    default:
      return loud("rich text element", element);
  }
}

function list(element) {
  const tag = element.style === "ordered" ? "ol" : "ul";
  const props = { class: `indent-${Math.min(4, element.indent ?? 0)}` };
  if (tag === "ol" && element.offset) props.start = element.offset + 1;
  return el(tag, props, (element.elements ?? []).map((item) => el("li", null, (item.elements ?? []).map(leaf))));
}

function leaf(element) {
  const bare = leafNode(element);
  return Object.keys(element.style ?? {}).reduce(
    (node, style) => (element.style[style] && STYLES[style] ? el(STYLES[style], null, node) : node),
    bare,
  );
}

function leafNode(element) {
  switch (element.type) {
    case "text":
      return lines(element.text);
    case "link":
      return anchor(element.url, element.text ?? "");
    case "emoji":
      return sign(element.name);
    case "user":
      return mention(`@${shortName(element.user_id)}`);
    case "channel":
      return mention(`#${channelName(element.channel_id)}`);
    case "broadcast":
      return mention(`@${element.range}`);
    case "date":
      return el("time", null, formatted(element.timestamp, element.format));
    case "color":
      return el("code", null, element.value);
    default:
      return loud("rich text element", element);
  }
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [el("br"), line] : [line]));
}
