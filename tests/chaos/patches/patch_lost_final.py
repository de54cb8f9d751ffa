"""A bug: the update that shows how a task ended is taken for sent, and never is."""

from opsloop_notifier.message import Message
from opsloop_notifier.outcome import Outcome, Sent
from opsloop_notifier.slack import SlackWeb

update = SlackWeb.update


async def lose(slack: SlackWeb, channel: str, ts: str, message: Message) -> Outcome:
    return Sent(channel, ts) if "✅" in message.text else await update(slack, channel, ts, message)


SlackWeb.update = lose  # type: ignore[method-assign,assignment]
