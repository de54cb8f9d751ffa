/* The sandbox's control API. */

export class Refused extends Error {}

export function get(path, query = {}) {
  const search = new URLSearchParams(query).toString();
  return ask("GET", search ? `${path}?${search}` : path);
}

export function post(path, body) {
  return ask("POST", path, JSON.stringify(body));
}

export function remove(path) {
  return ask("DELETE", path);
}

/** Throws Refused with a sentence for the reader. */
async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, body, headers: body ? { "Content-Type": "application/json" } : {} });
  } catch {
    throw new Refused("The sandbox does not answer. Is it running?");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(answer?.message ?? `The sandbox answered ${response.status}.`);
  return answer;
}
