"""A dealer or task that is not there, or was not named: what was probably meant, or what to type."""

from opsloop_common.answers import UnknownNameBody
from opsloop_notifier import naming
from opsloop_notifier.answers.said import Said
from opsloop_notifier.style import Style

_GIVEN = 150


def said(body: UnknownNameBody, style: Style) -> Said:
    thing = "dealer" if body.what == "target" else "task"
    command = style.pen.line(body.command, naming.LONGEST)
    nearest = " or ".join(f"`{style.pen.line(name, naming.LONGEST)}`" for name in body.nearest[:3])
    if not body.given.strip():
        usage = (
            f"{command} status &lt;dealer&gt;" if thing == "dealer" else f"{command} run &lt;task&gt; &lt;dealer&gt;"
        )
        example = f" For example a {thing} named {nearest}." if nearest else ""
        return Said.in_parts([f"Which {thing}? Name it in the command, as in `{usage}`.{example}"])
    suggestion = f" Did you mean {nearest}?" if nearest else f" Type `{command} help` to see them all."
    return Said.in_parts([f"There is no {thing} `{style.pen.line(body.given, _GIVEN)}`.{suggestion}"])
