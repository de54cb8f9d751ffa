/* A native dialog: the browser keeps the focus inside, answers Escape, and gives the focus back. */

import { el } from "./dom.js";

/** Shows it on top of everything; `onCancel` when the reader leaves by Escape. Returns the dialog. */
export function openDialog(title, content, onCancel) {
  const dialog = el("dialog", { "aria-labelledby": "dialog-title" }, el("h2", { id: "dialog-title" }, title), content);
  dialog.oncancel = (event) => {
    event.preventDefault();
    onCancel();
  };
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function closeDialog(dialog) {
  dialog.close();
  dialog.remove();
}
