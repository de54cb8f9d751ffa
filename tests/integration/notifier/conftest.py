"""A notifier over a real broker and a Slack that answers as told."""

from collections.abc import AsyncIterator

import pytest

from integration.notifier.scripted import Desk, ScriptedSlack
from opsloop_common.bus import Bus
from opsloop_common.subjects import Subjects


@pytest.fixture
def slack() -> ScriptedSlack:
    return ScriptedSlack()


@pytest.fixture
async def desk(bus: Bus, subjects: Subjects, slack: ScriptedSlack) -> AsyncIterator[Desk]:
    """Running, without limits to speak of."""
    desk = Desk(bus, subjects, slack)
    desk.start()
    yield desk
    await desk.stop()
