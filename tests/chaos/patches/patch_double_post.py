"""A bug: a post is sent again although it was answered."""

from opsloop_notifier.message import Message
from opsloop_notifier.outcome import Outcome
from opsloop_notifier.slack import SlackWeb

post = SlackWeb.post


async def twice(slack: SlackWeb, channel: str, thread_ts: str, message: Message) -> Outcome:
    await post(slack, channel, thread_ts, message)
    return await post(slack, channel, thread_ts, message)


SlackWeb.post = twice  # type: ignore[method-assign,assignment]
