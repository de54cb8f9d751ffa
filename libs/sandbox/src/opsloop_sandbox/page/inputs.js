/* Input blocks of a modal: a labelled field each, and what was filled in. */

import { el } from "./dom.js";
import { loud } from "./loud.js";
import { plain } from "./mrkdwn.js";

const TYPES = {
  plain_text_input: "text",
  email_text_input: "email",
  url_text_input: "url",
  number_input: "number",
  datepicker: "date",
  timepicker: "time",
};

/** `people`: [{id, real_name}], for fields that choose one. */
export function inputBlock(block, people) {
  const id = `input-${block.block_id}`;
  const field = makeField(block.element, id, people);
  const hint = block.hint ? el("p", { class: "quiet", id: `${id}-hint` }, plain(block.hint.text)) : null;
  const error = el("p", { class: "error", id: `${id}-error`, hidden: true });
  if (!field) return loud("input element", block.element);
  const isGroup = field.nodeName === "FIELDSET";
  if (!isGroup) field.setAttribute("aria-describedby", `${hint ? `${id}-hint ` : ""}${id}-error`);
  const label = [plain(block.label.text), block.optional ? el("span", { class: "quiet" }, " (optional)") : null];
  if (isGroup) field.prepend(el("legend", null, label));
  return el(
    "div",
    { class: "input", "data-block": block.block_id, "data-action": block.element.action_id },
    isGroup ? null : el("label", { for: id }, label),
    field,
    hint,
    error,
  );
}

function makeField(element, id, people) {
  if (element.type === "plain_text_input" && element.multiline) {
    return el("textarea", { id, rows: 4, placeholder: placeholder(element), maxlength: element.max_length }, element.initial_value);
  }
  if (element.type in TYPES) return line(element, id);
  if (element.type === "static_select") return select(element, id, false);
  if (element.type === "multi_static_select") return select(element, id, true);
  if (element.type === "users_select") return select({ ...element, options: people.map(personOption) }, id, false);
  if (element.type === "checkboxes") return choices(element, id, "checkbox");
  if (element.type === "radio_buttons") return choices(element, id, "radio");
  return null;
}

function personOption(person) {
  return { value: person.id, text: { text: person.real_name } };
}

function line(element, id) {
  return el("input", {
    id,
    type: TYPES[element.type],
    placeholder: placeholder(element),
    value: element.initial_value ?? element.initial_date ?? element.initial_time ?? null,
    maxlength: element.max_length,
    step: element.is_decimal_allowed ? "any" : null,
    autocomplete: "off",
  });
}

function placeholder(element) {
  return element.placeholder ? plain(element.placeholder.text) : null;
}

function select(element, id, isMany) {
  const initial = (element.initial_options ?? [element.initial_option]).map((option) => option?.value);
  const options = element.options ?? (element.option_groups ?? []).flatMap((group) => group.options);
  return el(
    "select",
    { id, multiple: isMany },
    isMany ? null : el("option", { value: "" }, placeholder(element) ?? "Choose"),
    options.map((option) =>
      el("option", { value: option.value, selected: initial.includes(option.value) }, plain(option.text.text)),
    ),
  );
}

function choices(element, id, type) {
  const initial = (element.initial_options ?? [element.initial_option]).map((option) => option?.value);
  return el(
    "fieldset",
    { id },
    element.options.map((option) =>
      el(
        "label",
        { class: "choice" },
        el("input", { type, name: id, value: option.value, checked: initial.includes(option.value) }),
        plain(option.text.text),
      ),
    ),
  );
}

/** block_id -> action_id -> what was filled in. */
export function filledIn(root) {
  const values = {};
  for (const block of root.querySelectorAll(".input")) values[block.dataset.block] = { [block.dataset.action]: value(block) };
  return values;
}

function value(block) {
  const field = block.querySelector("textarea, select, fieldset, input");
  if (field.nodeName === "FIELDSET") {
    const ticked = [...field.querySelectorAll("input:checked")].map((input) => input.value);
    return field.querySelector("[type=radio]") ? (ticked[0] ?? null) : ticked;
  }
  return field.multiple ? [...field.selectedOptions].map((option) => option.value) : field.value;
}

/** Puts back what was filled in before, into the fields that are still there. */
export function refill(root, values) {
  for (const block of root.querySelectorAll(".input")) {
    const kept = values[block.dataset.block]?.[block.dataset.action];
    const field = block.querySelector("textarea, select, fieldset, input");
    if (kept === undefined) continue;
    if (field.nodeName === "FIELDSET") {
      for (const input of field.querySelectorAll("input")) input.checked = [kept].flat().includes(input.value);
    } else if (field.multiple) {
      for (const option of field.options) option.selected = kept.includes(option.value);
    } else field.value = kept;
  }
}

/** Shows what is wrong beside each field, and goes to the first. */
export function showErrors(root, errors) {
  let first = null;
  for (const block of root.querySelectorAll(".input")) {
    const sentence = errors[block.dataset.block];
    const field = block.querySelector("textarea, select, fieldset, input");
    const note = block.querySelector(".error");
    note.hidden = !sentence;
    note.textContent = sentence ?? "";
    if (sentence) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    if (sentence && !first) first = field.nodeName === "FIELDSET" ? field.querySelector("input") : field;
  }
  first?.focus();
}
