"""A bug: an older update arrives after the last one, whenever that is sent."""

from opsloop_notifier.message import Message
from opsloop_notifier.outcome import Outcome
from opsloop_notifier.slack import SlackWeb

update = SlackWeb.update
older: dict[str, Message] = {}


async def late(slack: SlackWeb, channel: str, ts: str, message: Message) -> Outcome:
    outcome = await update(slack, channel, ts, message)
    if "✅" not in message.text:
        older[ts] = message
    elif ts in older:
        await update(slack, channel, ts, older[ts])
    return outcome


SlackWeb.update = late  # type: ignore[method-assign,assignment]
