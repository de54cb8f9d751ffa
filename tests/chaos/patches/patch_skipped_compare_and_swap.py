"""A bug: an event is appended whatever came before it, and deciding takes a while."""

import asyncio
from typing import Any

from opsloop_common.bus import Bus

publish = Bus.publish


async def blindly(bus: Bus, subject: str, payload: bytes, **more: Any) -> int:
    if ".evt." in subject:
        await asyncio.sleep(0.3)
        more["expect"] = None
    return await publish(bus, subject, payload, **more)


Bus.publish = blindly  # type: ignore[method-assign,assignment]
