/* Who one is, and where, stands in the address: it survives a reload, and two windows can be two people. */

export function read() {
  const [user, place] = location.hash.slice(1).split("/");
  return { user: user || "U0ALICE", place: place || "C0OPS" };
}

export function write(user, place) {
  history.replaceState(null, "", `#${user}/${place}`);
}

/** Somebody changed the address by hand, or followed a link to another place. */
export function onChange(callback) {
  addEventListener("hashchange", () => callback(read()));
}
