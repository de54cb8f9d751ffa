/* The question before a click that wants to be sure. */

import { text } from "./blocks.js";
import { closeDialog, openDialog } from "./dialog.js";
import { button, el } from "./dom.js";
import { plain } from "./mrkdwn.js";

/** Whether the reader says yes. `confirm` is Slack's confirmation object. */
export function confirmed(confirm) {
  return new Promise((resolve) => {
    const answer = (yes) => {
      closeDialog(dialog);
      resolve(yes);
    };
    const dialog = openDialog(
      plain(confirm.title.text),
      [
        el("div", { class: "text" }, text(confirm.text)),
        el(
          "div",
          { class: "choices" },
          button(plain(confirm.deny.text), () => answer(false), { class: "action" }),
          button(plain(confirm.confirm.text), () => answer(true), {
            class: `action ${confirm.style === "danger" ? "danger" : "primary"}`,
            autofocus: true,
          }),
        ),
      ],
      () => answer(false),
    );
  });
}
