"""What becomes of the work of an owner whose partition somebody else took, or may have taken."""

import pytest

from integration.notifier.scripted import Desk, ScriptedSlack
from opsloop_common.bus import Bus, BusError
from opsloop_common.records import Bucket
from opsloop_common.subjects import Subjects
from opsloop_notifier.office import Office
from opsloop_notifier.territory import Epoch
from unit.notifier.states import ENDED, QUEUED, RUNNING, changed
from waiting import until

PARTITION = 7
KEY = f"epoch.{PARTITION:02}"
OTHER = changed(QUEUED, id="07-" + "c" * 20)
DONE = changed(RUNNING, status="succeeded", percent=100, ended_at=ENDED)


def office(desk: Desk) -> Office:
    assert desk.office is not None
    return desk.office


async def taken_by_somebody(bus: Bus, subjects: Subjects) -> None:
    """Somebody takes the partition, and dies at once."""
    await Bucket(bus, subjects.bucket("LEDGER"), Epoch).put(KEY, Epoch("somebody"))


async def test_whoever_gets_a_partition_back_starts_from_the_ledger(
    desk: Desk, slack: ScriptedSlack, bus: Bus, subjects: Subjects
) -> None:
    """Refused once, an owner forgets every case of the partition; when it is theirs again each is shown to its end."""
    for state in (QUEUED, OTHER):
        await desk.publish(state, "queued")
    await until(lambda: len(slack.anchors) == 2 and desk.owed == 0)
    await taken_by_somebody(bus, subjects)
    await desk.publish(RUNNING, "started")
    await until(lambda: any("▶️" in one.message.text for one in slack.anchors), 15)
    await desk.publish(DONE, "succeeded")
    await desk.publish(changed(DONE, id=OTHER.id), "succeeded")
    await until(lambda: sum("✅" in one.message.text for one in slack.anchors) == 2)
    assert len(slack.anchors) == 2

    def ends() -> list[int]:
        return [sum("✅" in text for text in slack.thread(anchor.ts)) for anchor in slack.anchors]

    await until(lambda: ends() == [1, 1])


async def test_a_lapse_that_nobody_saw_is_a_lapse(
    desk: Desk, slack: ScriptedSlack, bus: Bus, subjects: Subjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen for longer than a membership lasts, and renewed before anybody looked: nothing may be sent until every
    partition is taken anew, for somebody else may have had it."""
    await desk.publish(QUEUED, "queued")
    await until(lambda: len(slack.anchors) == 1 and desk.owed == 0)
    mine = office(desk)
    case = mine.desk._cases[QUEUED.id]
    await taken_by_somebody(bus, subjects)
    # As a process finds itself after SIGCONT: the time is over, and the renewal is the first thing to get through.
    monkeypatch.setattr(mine.membership, "_until", float("-inf"))
    await mine.membership.renew()
    assert not mine.may_send()
    await until(mine.may_send)
    assert mine.desk._cases.get(QUEUED.id) is not case
    await until(lambda: PARTITION in mine.territory.owned)
    epoch = await Bucket(bus, subjects.bucket("LEDGER"), Epoch).get(KEY)
    assert epoch.value == Epoch(mine.membership.name)
    assert mine.territory.fence(QUEUED.id).sequence == epoch.revision


async def test_whoever_may_be_thought_dead_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the end of a membership and its renewal nothing may be sent either."""
    mine = office(desk)
    await until(mine.may_send)

    async def unreachable() -> None:
        raise BusError("away")

    monkeypatch.setattr(mine.membership, "renew", unreachable)
    await until(lambda: not mine.may_send(), 6)
    await until(lambda: not mine.territory.owned)
    monkeypatch.undo()
    await until(lambda: mine.may_send() and len(mine.territory.owned) == 16)
