/* Brings what is on the page to what it should be, node by node, so that focus, selection and a half-done click
   survive an update that arrives meanwhile. Nodes of one list are told apart by `data-key`. */

const HANDLERS = ["onclick", "onchange", "onkeydown", "oninput", "onsubmit", "ontoggle"];
const KEPT = new Set(["open"]); // what the reader unfolded stays unfolded

export function patch(old, fresh) {
  if (old === fresh) return;
  if (old.nodeName !== fresh.nodeName || keyOf(old) !== keyOf(fresh)) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  patchAttributes(old, fresh);
  patchChildren(old, [...fresh.childNodes]);
}

export function patchChildren(parent, fresh) {
  const keyed = new Map([...parent.children].filter(keyOf).map((child) => [keyOf(child), child]));
  let at = parent.firstChild;
  for (const child of fresh) {
    const match = keyOf(child) ? keyed.get(keyOf(child)) : unkeyed(at);
    if (!match) {
      parent.insertBefore(child, at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else parent.insertBefore(match, at);
    patch(match, child);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function unkeyed(node) {
  return node && !keyOf(node) ? node : null;
}

function keyOf(node) {
  return node.dataset?.key;
}

function patchAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !KEPT.has(name)) old.setAttribute(name, value);
  }
  for (const name of HANDLERS) old[name] = fresh[name];
}
