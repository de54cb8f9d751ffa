"""A bug: what a person asked is said to be stored, and is not."""

from typing import Any

from opsloop_common.bus import Bus

publish = Bus.publish


async def drop(bus: Bus, subject: str, payload: bytes, **more: Any) -> int:
    return 1 if ".cmd." in subject else await publish(bus, subject, payload, **more)


Bus.publish = drop  # type: ignore[method-assign,assignment]
