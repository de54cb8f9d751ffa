"""What is said to whoever pressed a publisher's button."""

from opsloop_common.answers import PressedBody
from opsloop_notifier import naming
from opsloop_notifier.answers.said import Said
from opsloop_notifier.style import Style


def said(body: PressedBody, style: Style) -> Said:
    label, publisher = (style.pen.line(part, naming.LONGEST) for part in (body.label, body.publisher))
    return Said.in_parts(
        [f"👍 *{publisher}* was told that you pressed “{label}”. What it does about it shows on the card."]
    )
