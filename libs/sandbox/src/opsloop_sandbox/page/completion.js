/* What can be typed after what has been typed. Pure. */

/** [{text, hint}]: whole inputs that continue this one, most likely first; none when it is complete. */
export function completions(typed, { command, tasks, dealers }) {
  if (!typed.startsWith("/")) return [];
  const choices = [
    ...dealers.map((dealer) => ({ text: `${command} status ${dealer}`, hint: "the dealer's card, with a button for each task" })),
    ...tasks.flatMap((task) =>
      dealers.map((dealer) => ({ text: `${command} run ${task} ${dealer}`, hint: "run the task at once" })),
    ),
    { text: `${command} help`, hint: "everything you can type" },
  ];
  const stages = [
    { text: `${command} status `, shown: `${command} status <dealer>`, hint: "the dealer's card, with a button for each task" },
    { text: `${command} run `, shown: `${command} run <task> <dealer>`, hint: "run a task at once" },
    { text: `${command} help`, hint: "everything you can type" },
  ];
  if (choices.some((choice) => choice.text === typed.trimEnd())) return [];
  if (typed.length <= command.length + 1) return stages.filter((stage) => stage.text.startsWith(typed));
  const begun = stages.filter((stage) => stage.text.startsWith(typed) && stage.text !== typed);
  return begun.length ? begun : choices.filter((choice) => choice.text.startsWith(typed));
}
