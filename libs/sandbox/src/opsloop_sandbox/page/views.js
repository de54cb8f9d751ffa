/* Views of the app: the modal on top of everything, and its home. */

import { post } from "./api.js";
import { blocks } from "./blocks.js";
import { confirmed } from "./confirm.js";
import { closeDialog, openDialog } from "./dialog.js";
import { byId, button, el } from "./dom.js";
import { filledIn, inputBlock, refill, showErrors } from "./inputs.js";
import { plain } from "./mrkdwn.js";
import { attempt } from "./notice.js";
import { patchChildren } from "./patch.js";

let open = null; // {dialog, view}

/** Shows the modal the app wants shown, or takes it away. */
export function drawModal(store) {
  const view = store.views.modal;
  const kept = open && view && open.view.id === view.id ? filledIn(open.dialog) : {};
  if (open && (!view || open.view.id !== view.id || open.view.hash !== view.hash)) {
    closeDialog(open.dialog);
    open = null;
  }
  if (!view || open) return;
  open = { view, dialog: build(store, view) };
  refill(open.dialog, kept);
}

function build(store, view) {
  const complaint = el("p", { class: "error", role: "alert" });
  const form = el(
    "form",
    { novalidate: true },
    el("div", { class: "view" }, blocks(view.blocks, viewActs(store, view))),
    complaint,
    el(
      "div",
      { class: "choices" },
      button(plain(view.close?.text ?? "Cancel"), () => leave(store, view), { class: "action" }),
      view.submit ? el("button", { type: "submit", class: "action primary" }, plain(view.submit.text)) : null,
    ),
  );
  form.onsubmit = async (event) => {
    event.preventDefault();
    const submit = form.querySelector("[type=submit]");
    submit.disabled = true;
    const result = await attempt(() => post("/control/views/submit", { user: store.me, view_id: view.id, values: filledIn(form) }));
    submit.disabled = false;
    complaint.textContent = result?.shown ?? "";
    showErrors(form, result?.errors ?? {});
  };
  return openDialog(plain(view.title.text), form, () => leave(store, view));
}

function leave(store, view) {
  attempt(() => post("/control/views/close", { user: store.me, view_id: view.id }));
}

function viewActs(store, view) {
  return {
    input: (block) => inputBlock(block, store.workspace.users),
    click: async (element, block, value) => {
      if (element.confirm && !(await confirmed(element.confirm))) return;
      const request = { user: store.me, view_id: view.id, action_id: element.action_id, block_id: block.block_id };
      attempt(() => post("/control/views/click", { ...request, value: value ?? null }));
    },
  };
}

export function drawHome(store) {
  const home = store.views.home;
  patchChildren(byId("messages"), [
    home
      ? el("div", { class: "view home", "data-key": home.hash }, blocks(home.blocks, viewActs(store, home)))
      : el(
          "section",
          { class: "welcome", "data-key": "no-home" },
          el("h2", null, "This is the app's home"),
          el("p", null, "OpsLoop has not put anything here yet. What it can do, it shows in a channel: go to #ops and type / there."),
        ),
  ]);
}
