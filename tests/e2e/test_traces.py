"""One click is one trace, through every service."""

from installation import ALICE, OPS, Installation
from opsloop_common import codec


async def test_a_click_is_one_trace_from_the_command_to_the_last_event(loop: Installation) -> None:
    """The command, every event of its task and what followed carry the same trace id; another click another."""
    await loop.sandbox.command(ALICE, OPS, "status naples-honda")
    card = await loop.see("Status of")
    await loop.sandbox.click(ALICE, OPS, card.ts, "task.run.schema_fix")
    await loop.see("schema_fix for naples-honda", "✅")
    await loop.see("ugc_audit for naples-honda", "✅", seconds=30)
    assert loop.bus is not None
    commands = await loop.bus.read("CMD", loop.subjects.all_commands)
    status, run = (codec.decode_command(one.data).traceparent.split("-") for one in commands)
    events = [codec.decode_event(one.data) for one in await loop.bus.read("EVT", loop.subjects.all_events)]
    of_tasks = [event for event in events if event.type.startswith("ops.task.")]
    assert len(of_tasks) > 10
    assert {event.traceparent.split("-")[1] for event in of_tasks} == {run[1]}
    assert len({status[1], run[1], "0" * 32}) == 3
