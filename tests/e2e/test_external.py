"""Tasks of other systems as people see them: the same cards, threads and buttons."""

import asyncio

import msgspec

from installation import ALICE, OPS, Installation
from opsloop_common import codec
from opsloop_common.notices import Clicked, Shown
from opsloop_sandbox.contract import SeenMessage


async def report(loop: Installation, task_id: str, **said: object) -> None:
    assert loop.bus is not None
    await loop.bus.client.publish(loop.subjects.reported("ci", task_id, "said"), msgspec.json.encode(said))
    await loop.bus.client.flush()


async def notices(loop: Installation, task_id: str, notice: str, seconds: float = 15) -> list[bytes]:
    """What the publisher was told, once it was told something."""
    found: list[bytes] = []

    async def told() -> bool:
        assert loop.bus is not None
        found[:] = [one.data for one in await loop.bus.read("OUT", loop.subjects.notice("ci", task_id, notice))]
        return bool(found)

    await loop.until(told, f"{notice} of {task_id}", seconds)
    return found


def buttons(message: SeenMessage) -> dict[str, str]:
    """Action ids with their labels."""
    found = {}
    for block in message.blocks:
        elements = block.get("elements", [])
        for element in elements if isinstance(elements, list) else []:
            if isinstance(element, dict) and element.get("type") == "button":
                found[str(element["action_id"])] = str(element["text"]["text"])
    return found


async def test_another_system_s_task_has_a_card_a_thread_and_its_own_buttons(loop: Installation) -> None:
    """Bar, steps, log, links; a press reaches the publisher once, and whoever pressed is told privately."""
    await report(
        loop, "build-7", title="Build 7", state="running", percent=10, target="naples-honda",
        links=[{"label": "Log & more", "url": "https://ci.example/7?a=1&b=2"}],
        buttons=[{"id": "stop", "label": "Stop"}],
    )  # fmt: skip
    card = await loop.see("Build 7 (ci) for naples-honda", "▶️", "10%")
    shown = codec.decode((await notices(loop, "build-7", "shown"))[0], Shown)
    assert card.ts.replace(".", "") in shown.permalink
    assert {label for action, label in buttons(card).items() if action.startswith("ext.")} == {"Stop"}
    assert not {"task.cancel", "task.retry"} & set(buttons(card))
    assert "<https://ci.example/7?a=1&amp;b=2|Log &amp; more>" in str(card.blocks)
    await loop.sandbox.click(ALICE, OPS, card.ts, "ext.1", repeat=3)
    await loop.see("Builds", "you pressed “Stop”")
    clicked = [codec.decode(one, Clicked) for one in await notices(loop, "build-7", "clicked")]
    assert [(one.button, one.by.user) for one in clicked] == [("stop", ALICE)]
    await report(loop, "build-7", percent=60, step="Tests", log=["42 passed", "1 failed"])
    await loop.see_reply(card.ts, "Progress: 60% – Tests")
    await report(loop, "build-7", state="failed", error="exit 1")
    failed = await loop.see("Build 7", "❌ Error: exit 1")
    assert failed.ts == card.ts
    assert set(buttons(failed)) == {"task.tail"} or set(buttons(failed)) == {"task.logs"}
    end = await loop.see_reply(card.ts, "❌ Error: exit 1")
    assert "1 failed" in str(end.blocks)
    assert "<@" not in end.text
    assert len(await notices(loop, "build-7", "shown")) == 1


async def test_nothing_a_publisher_says_is_interpreted(loop: Installation) -> None:
    """Mentions, formatting and control characters are text in title, step, label and error."""
    evil = "<!channel> *b* & `c` <@U0BOB> \u202e\x07"
    await report(
        loop, "evil", title=evil, state="running", percent=30, step=evil, owner=evil, log=["```", evil],
        buttons=[{"id": "a", "label": "<!here> & *x*"}],
    )  # fmt: skip
    card = await loop.see("channel", "▶️")
    await report(loop, "evil", state="failed", error=evil)
    await loop.see("channel", "❌")
    await loop.see_reply(card.ts, "❌")
    for message in await loop.messages():
        for one in (message, *message.replies):
            assert "<!channel" not in one.text + str(one.blocks)
            assert "<@U0BOB" not in one.text + str(one.blocks)
            assert "*b*" not in one.text


async def test_a_killed_notifier_and_orchestrator_tell_everything_once(loop: Installation) -> None:
    """kill -9 of both while a task is reported: one card, one `accepted`, one `shown`, the right end."""
    for name in ("notifier", "orchestrator"):
        await report(loop, f"of-{name}", title=f"Build {name}", state="running", percent=10)
        await loop.end(name)
        await report(loop, f"of-{name}", state="succeeded", summary="All green")
        await loop.start_one(name)
    for name in ("notifier", "orchestrator"):
        await loop.see(f"Build {name}", "✅", "All green", seconds=30)
        assert len(await notices(loop, f"of-{name}", "accepted")) == 1
        assert len(await notices(loop, f"of-{name}", "shown")) == 1


async def test_a_click_of_a_person_goes_on_beside_a_flood(loop: Installation) -> None:
    """Five thousand events of one publisher; a card is answered meanwhile."""
    assert loop.bus is not None
    for number in range(5000):
        said = b'{"title":"Flood","percent":%d}' % (number // 51)
        await loop.bus.client.publish(loop.subjects.reported("ci", f"flood-{number % 4}", "said"), said)
    await loop.bus.client.flush()
    began = asyncio.get_running_loop().time()
    await loop.sandbox.command(ALICE, OPS, "status naples-honda")
    await loop.see("Naples Honda")
    assert asyncio.get_running_loop().time() - began < 5
    for number in range(4):
        await report(loop, f"flood-{number}", state="succeeded")
    await loop.see("Flood", "✅", seconds=60)
