/* Who wrote something: a coloured square with an initial, and a name. */

import { fullName, isApp } from "./directory.js";
import { el } from "./dom.js";

const COLOURS = 6;

export function face(id, size = "") {
  if (isApp(id)) return el("img", { class: `face ${size}`, src: "/page/icon.svg", alt: "" });
  const colour = [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLOURS;
  return el("span", { class: `face face-${colour} ${size}`, "aria-hidden": "true" }, fullName(id).slice(0, 1));
}

export function nameOf(id) {
  return [el("span", { class: "name" }, fullName(id)), isApp(id) ? el("span", { class: "badge" }, "APP") : null];
}
