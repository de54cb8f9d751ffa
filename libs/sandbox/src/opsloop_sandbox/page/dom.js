/* Builds elements. Foreign text only ever becomes a text node: nothing in this page assigns innerHTML. */

/** `props`: attributes by name; functions ("onclick") and `dataset` as such. Children: nodes, text, arrays; null is left out. */
export function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...flat(children));
  return node;
}

export function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** A button with a visible label. */
export function button(label, onclick, props) {
  return el("button", { type: "button", onclick, ...props }, label);
}

export function byId(id) {
  return document.getElementById(id);
}
