/* The stream of changes, followed for ever: a lost connection, a restarted sandbox, both are simply joined again.
   EventSource gives up on some failures, so coming back is our own affair. */

const AGAIN_MILLISECONDS = 700;
const NAMES = ["hello", "message", "gone", "channel", "views", "call", "site", "passing", "bus"];

/** Calls `onEvent(name, data)`; "lost" when the connection broke. Returns a function that ends it. */
export function follow(url, onEvent) {
  let source = null;
  let timer = null;
  function open() {
    source = new EventSource(url);
    for (const name of NAMES) source.addEventListener(name, (event) => onEvent(name, JSON.parse(event.data)));
    source.onerror = () => {
      source.close();
      onEvent("lost", null);
      timer = setTimeout(open, AGAIN_MILLISECONDS);
    };
  }
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
