/* What can be clicked or chosen in a message: buttons, link buttons, selects, overflow menus. */

import { el } from "./dom.js";
import { isAllowed } from "./links.js";
import { loud } from "./loud.js";
import { plain } from "./mrkdwn.js";

export function actionElement(element, block, acts) {
  switch (element.type) {
    case "button":
    case "workflow_button":
      return pushButton(element, block, acts);
    case "static_select":
    case "overflow":
      return select(element, block, acts);
    default:
      return loud("element", element);
  }
}

function pushButton(element, block, acts) {
  const props = {
    class: `action ${element.style === "primary" || element.style === "danger" ? element.style : ""}`,
    "data-action": element.action_id,
    "aria-label": element.accessibility_label || null,
  };
  const label = plain(element.text?.text ?? "");
  if (element.url && isAllowed(element.url)) {
    const link = { href: element.url, target: "_blank", rel: "noopener noreferrer" };
    const note = el("span", { class: "unseen" }, " (opens a new tab)");
    return el("a", { ...props, ...link, onclick: () => acts.click(element, block) }, label, note);
  }
  return el("button", { ...props, type: "button", onclick: () => acts.click(element, block) }, label);
}

function select(element, block, acts) {
  const name = element.type === "overflow" ? "⋯" : plain(element.placeholder?.text ?? "Choose");
  const groups = element.option_groups ?? [{ options: element.options ?? [] }];
  const chosen = element.initial_option?.value;
  return el(
    "select",
    {
      class: "action",
      "data-action": element.action_id,
      "aria-label": element.type === "overflow" ? "More actions" : name,
      onchange: (event) => {
        if (event.target.value) acts.click(element, block, event.target.value);
        if (element.type === "overflow") event.target.value = "";
      },
    },
    el("option", { value: "" }, name),
    groups.map((group) => options(group, chosen)),
  );
}

function options(group, chosen) {
  const list = (group.options ?? []).map((option) =>
    el("option", { value: option.value, selected: option.value === chosen }, plain(option.text?.text ?? "")),
  );
  return group.label ? el("optgroup", { label: plain(group.label.text) }, list) : list;
}
