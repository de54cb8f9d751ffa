/* Blocks of a message or a view as nodes. One that is not known here is shown loudly.
   `acts` is how elements are used: {click(element, block, value)}; in a view also {input(block)}. */

import { el } from "./dom.js";
import { actionElement } from "./elements.js";
import { isAllowed } from "./links.js";
import { loud } from "./loud.js";
import { markdown } from "./markdown.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const KINDS = {
  section,
  actions,
  context,
  header,
  image,
  divider: () => el("hr", { class: "divider" }),
  rich_text: richText,
  markdown: (block) => markdown(block.text),
  input: (block, acts) => (acts.input ? acts.input(block) : loud("block", block)),
};

export function blocks(list, acts) {
  return list.map((block) => {
    const kind = Object.hasOwn(KINDS, block.type) ? KINDS[block.type] : null;
    return el("div", { class: `block block-${kind ? block.type : "unknown"}` }, kind ? kind(block, acts) : loud("block", block));
  });
}

/** A text object's nodes. */
export function text(object) {
  if (object?.type === "mrkdwn") return mrkdwn(object.text, { verbatim: object.verbatim });
  if (object?.type === "plain_text") return [plain(object.text, { withEmoji: object.emoji !== false })];
  return [loud("text", object)];
}

function section(block, acts) {
  return [
    el(
      "div",
      { class: "section-text" },
      block.text ? el("div", { class: "text" }, text(block.text)) : null,
      block.fields ? el("div", { class: "fields" }, block.fields.map((field) => el("div", { class: "text" }, text(field)))) : null,
    ),
    block.accessory ? el("div", { class: "accessory" }, used(block.accessory, block, acts)) : null,
  ];
}

function used(element, block, acts) {
  return element.type === "image" ? picture(element) : actionElement(element, block, acts);
}

function actions(block, acts) {
  return block.elements.map((element) => actionElement(element, block, acts));
}

function context(block) {
  return block.elements.map((element) =>
    element.type === "image" ? picture(element) : el("span", { class: "text" }, text(element)),
  );
}

function header(block) {
  return el("h3", null, text(block.text));
}

function image(block) {
  return el("figure", null, block.title ? el("figcaption", null, text(block.title)) : null, picture(block));
}

/** Only pictures of this sandbox are loaded: the page fetches nothing from elsewhere. Others are described and linked. */
function picture({ image_url: url, alt_text: description }) {
  if (url && new URL(url, location.href).origin === location.origin) return el("img", { src: url, alt: description, loading: "lazy" });
  const label = `🖼 ${description || "picture"}`;
  if (!url || !isAllowed(url)) return el("span", { class: "elsewhere" }, label);
  return el("a", { class: "elsewhere", href: url, target: "_blank", rel: "noopener noreferrer" }, label);
}
