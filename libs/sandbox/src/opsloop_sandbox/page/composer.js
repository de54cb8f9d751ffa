/* The box to type in, with a list of what can be typed: a combobox.
   https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ */

import { el } from "./dom.js";

let count = 0;

/** `completions(text)` gives [{text, shown?, hint}]; `onSend(text)` a message, `onCommand(text)` one with a slash. */
export function composer({ label, completions, onSend, onCommand }) {
  const listId = `completions-${(count += 1)}`;
  const list = el("ul", { id: listId, role: "listbox", class: "completions", "aria-label": "What you can type", hidden: true });
  const box = el("input", {
    type: "text",
    placeholder: label,
    "aria-label": label,
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
    autocomplete: "off",
    spellcheck: "false",
  });
  let offered = [];
  let chosen = 0;

  function offer() {
    offered = completions(box.value);
    chosen = 0;
    draw();
  }
  function draw() {
    list.replaceChildren(...offered.map((item, index) => option(item, index)));
    list.hidden = !offered.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) box.removeAttribute("aria-activedescendant");
    else box.setAttribute("aria-activedescendant", `${listId}-${chosen}`);
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  }
  function option(item, index) {
    return el(
      "li",
      {
        id: `${listId}-${index}`,
        role: "option",
        "aria-selected": String(index === chosen),
        onmousedown: (event) => {
          event.preventDefault();
          accept(index);
        },
      },
      el("code", null, item.shown ?? item.text),
      el("span", { class: "quiet" }, item.hint),
    );
  }
  function accept(index) {
    box.value = offered[index].text;
    offer();
  }
  function send() {
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    offer();
    if (text.startsWith("/")) onCommand(text);
    else onSend(text);
  }
  box.oninput = offer;
  box.onblur = () => {
    offered = [];
    draw();
  };
  box.onkeydown = (event) => {
    if (event.isComposing) return;
    // An Enter that is not for the list submits the form.
    if (offered.length && handled(event)) event.preventDefault();
  };
  function handled(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      chosen = (chosen + step + offered.length) % offered.length;
      draw();
    } else if (event.key === "Enter" || event.key === "Tab") accept(chosen);
    else if (event.key === "Escape") {
      offered = [];
      draw();
    } else return false;
    return true;
  }
  const form = el(
    "form",
    {
      class: "composer",
      onsubmit: (event) => {
        event.preventDefault();
        send();
      },
    },
    list,
    box,
    el("button", { type: "submit", class: "send", "aria-label": "Send" }, "➤"),
  );
  form.suggest = (text) => {
    box.value = text;
    box.focus();
    offer();
  };
  return form;
}
