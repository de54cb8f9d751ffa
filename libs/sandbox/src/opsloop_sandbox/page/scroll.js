/* A list that follows its end, unless the reader has scrolled up. */

const NEAR_PIXELS = 80;
const followers = new WeakMap(); // list -> whether its end was last in view

/** From now on the end stays in view when the list grows or its room changes. */
export function followEnd(list) {
  followers.set(list, true);
  list.addEventListener("scroll", () => followers.set(list, isAtEnd(list)), { passive: true });
  new ResizeObserver(() => followers.get(list) && toEnd(list)).observe(list);
}

/** Runs the change, then shows the end if it was in view before. */
export function keepEnd(list, change) {
  change();
  if (followers.get(list)) toEnd(list);
}

export function toEnd(list) {
  followers.set(list, true);
  list.scrollTop = list.scrollHeight;
}

function isAtEnd(list) {
  return list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PIXELS;
}
