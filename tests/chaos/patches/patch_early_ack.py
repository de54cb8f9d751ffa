"""A bug: an event is acknowledged before anything of it is visible, and then there is much else to do."""

import asyncio

from opsloop_common.bus.consume import Consumer, Delivery, Outcome

outcome = Consumer._outcome


async def early(consumer: Consumer, delivery: Delivery) -> Outcome:
    await delivery.ack()
    await asyncio.sleep(30)
    return await outcome(consumer, delivery)


Consumer._outcome = early  # type: ignore[method-assign,assignment]
