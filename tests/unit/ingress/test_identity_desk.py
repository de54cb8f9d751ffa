"""What is remembered, for how long, and who waits for whom."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from opsloop_common.people import Identity, IdentityQuery, Person
from opsloop_ingress.counters import Counters
from opsloop_ingress.identity.allow_list import AllowList
from opsloop_ingress.identity.desk import AT_ONCE, Desk
from opsloop_ingress.identity.memory import Memory
from opsloop_ingress.identity.outcome import Address, NoAnswer, NotSetUp, Refusal, Source, refused, unknown, verified
from unit.ingress.clerk_answers import ALICE
from waiting import until

BOB = Person("T1", "U2")
AT = datetime(2026, 1, 2, tzinfo=UTC)
YES = verified("clerk", "alice@x.example", "user_1")


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Scripted:
    """Stands for Slack and for Clerk; what it has been told to say it says to everybody."""

    source: Source = "clerk"

    def __init__(self) -> None:
        self.member: Address | Refusal | Exception = Address("alice@x.example")
        self.identity: Identity | Exception = YES
        self.asked: list[str] = []
        self.now = self.most = 0
        self.held = asyncio.Event()
        self.held.set()
        self.held_person: Person | None = None

    async def users(self, person: Person) -> Address | Refusal:
        self.asked.append(person.user)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._say(person)
        finally:
            self.now -= 1

    async def _say(self, person: Person) -> Address | Refusal:
        if self.held_person in (None, person):
            await self.held.wait()
        if isinstance(self.member, Exception):
            raise self.member
        return self.member

    async def look_up(self, email: str) -> Identity:
        if isinstance(self.identity, Exception):
            raise self.identity
        return self.identity


class Members:
    def __init__(self, script: Scripted) -> None:
        self.look_up = script.users


@pytest.fixture
async def script() -> Scripted:
    return Scripted()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
async def desk(script: Scripted, clock: Clock, counters: Counters) -> Desk:
    return Desk(users=Members(script), provider=script, counters=counters, clock=clock, now=lambda: AT)


async def test_a_verified_person(desk: Desk) -> None:
    """With the time at which the sources were asked."""
    found = await desk.answer(IdentityQuery(ALICE))
    assert (found.state, found.email, found.subject, found.at) == ("verified", "alice@x.example", "user_1", AT)


async def test_a_yes_is_remembered_for_a_minute(desk: Desk, script: Scripted, clock: Clock) -> None:
    """Not a moment longer: the next question is asked of the sources."""
    await desk.answer(IdentityQuery(ALICE))
    script.identity = refused("clerk", "banned")
    clock.seconds += 59.9
    assert (await desk.answer(IdentityQuery(ALICE))).state == "verified"
    clock.seconds += 0.2
    assert (await desk.answer(IdentityQuery(ALICE))).reason == "banned"


async def test_the_minute_begins_with_the_question(desk: Desk, script: Scripted, clock: Clock) -> None:
    """A slow answer is as old as its question."""
    script.held.clear()
    asking = asyncio.create_task(desk.answer(IdentityQuery(ALICE)))
    await until(lambda: script.asked == ["U1"])
    clock.seconds += 50
    script.held.set()
    await asking
    clock.seconds += 11
    await desk.answer(IdentityQuery(ALICE))
    assert script.asked == ["U1", "U1"]


async def test_a_no_is_remembered_for_ten_seconds(desk: Desk, script: Scripted, clock: Clock) -> None:
    """So that whoever has just been let in need not wait long."""
    script.member = Refusal("guest")
    assert (await desk.answer(IdentityQuery(ALICE))).reason == "guest"
    script.member = Address("alice@x.example")
    clock.seconds += 9.9
    assert (await desk.answer(IdentityQuery(ALICE))).reason == "guest"
    clock.seconds += 0.2
    assert (await desk.answer(IdentityQuery(ALICE))).state == "verified"


async def test_not_knowing_is_not_remembered(desk: Desk, script: Scripted) -> None:
    """The next question may find the source well again."""
    script.identity = NoAnswer("Clerk is away")
    assert await desk.answer(IdentityQuery(ALICE)) == Identity(state="unknown", reason="no_answer", at=AT)
    script.identity = YES
    assert (await desk.answer(IdentityQuery(ALICE))).state == "verified"


async def test_a_fresh_answer_is_not_from_memory(desk: Desk, script: Scripted) -> None:
    """And what it says is remembered in place of what was."""
    await desk.answer(IdentityQuery(ALICE))
    script.identity = refused("clerk", "banned")
    assert (await desk.answer(IdentityQuery(ALICE, fresh=True))).reason == "banned"
    assert (await desk.answer(IdentityQuery(ALICE))).reason == "banned"


async def test_a_person_is_asked_for_once_at_a_time(desk: Desk, script: Scripted) -> None:
    """Whoever asks meanwhile gets the same answer, even if the first to ask gives up."""
    script.held.clear()
    first, *others = [asyncio.create_task(desk.answer(IdentityQuery(ALICE))) for _ in range(5)]
    await until(lambda: script.asked == ["U1"])
    first.cancel()
    script.held.set()
    assert {(await other).state for other in others} == {"verified"}
    assert script.asked == ["U1"]


async def test_a_slow_person_holds_up_nobody_else(desk: Desk, script: Scripted) -> None:
    """Bob is answered while Alice is still waited for."""
    script.held.clear()
    script.held_person = ALICE
    slow = asyncio.create_task(desk.answer(IdentityQuery(ALICE)))
    await until(lambda: script.asked == ["U1"])
    assert (await desk.answer(IdentityQuery(BOB))).state == "verified"
    assert not slow.done()
    script.held.set()
    await slow


async def test_only_so_many_are_asked_for_at_once(desk: Desk, script: Scripted) -> None:
    """Those beyond wait for a turn."""
    script.held.clear()
    people = [Person("T1", f"U{number}") for number in range(AT_ONCE + 5)]
    asking = [asyncio.create_task(desk.answer(IdentityQuery(person))) for person in people]
    await until(lambda: len(script.asked) == AT_ONCE)
    script.held.set()
    assert {(await one).state for one in asking} == {"verified"}
    assert (len(script.asked), script.most) == (AT_ONCE + 5, AT_ONCE)


async def test_whoever_gets_no_turn_in_time_gets_no_answer(script: Scripted, counters: Counters) -> None:
    """Waiting for others counts against the deadline, so an answer never takes longer than one lookup may."""
    desk = Desk(users=Members(script), provider=script, counters=counters, deadline_seconds=0.1)
    script.held.clear()
    people = [Person("T1", f"U{number}") for number in range(3 * AT_ONCE)]
    async with asyncio.timeout(2):
        found = await asyncio.gather(*(desk.answer(IdentityQuery(person)) for person in people))
    assert {identity.reason for identity in found} == {"no_answer"}


async def test_nobody_to_ask(script: Scripted, counters: Counters) -> None:
    """Without Slack's token or without a provider every question has the same answer."""
    for desk in (
        Desk(users=None, provider=AllowList(("a@x.example",)), counters=counters, now=lambda: AT),
        Desk(users=Members(script), provider=None, counters=counters, now=lambda: AT),
    ):
        assert await desk.answer(IdentityQuery(ALICE)) == Identity(state="unknown", reason="not_set_up", at=AT)
    assert script.asked == []


async def test_a_setting_to_mend_is_told_apart(desk: Desk, script: Scripted) -> None:
    """A token that lacks a scope is as good as none."""
    script.member = NotSetUp("the scope is missing")
    assert (await desk.answer(IdentityQuery(ALICE))).reason == "not_set_up"


async def test_every_answer_is_counted(desk: Desk, script: Scripted, counters: Counters) -> None:
    """By who had the last word and what it was."""
    await desk.answer(IdentityQuery(ALICE))
    await desk.answer(IdentityQuery(ALICE))
    script.member = Refusal("bot")
    await desk.answer(IdentityQuery(BOB))
    script.member = NoAnswer("Slack is away")
    await desk.answer(IdentityQuery(BOB, fresh=True))
    for source, outcome in (
        ("clerk", "verified"),
        ("memory", "verified"),
        ("slack", "bot"),
        ("slack", "no_answer"),
    ):
        labels = {"source": source, "outcome": outcome}
        assert counters.registry.get_sample_value("identity_lookups_total", labels) == 1
    assert counters.registry.get_sample_value("identity_lookup_seconds_count") == 3


async def test_a_problem_is_told_once(desk: Desk, script: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    """Not for every person, and again when it comes back after the provider was well."""
    caplog.set_level(logging.WARNING)
    script.identity = NoAnswer("Clerk answers with HTTP 401")
    await desk.answer(IdentityQuery(ALICE))
    script.member = Refusal("bot")
    await desk.answer(IdentityQuery(BOB))
    script.member = Address("alice@x.example")
    await desk.answer(IdentityQuery(ALICE))
    script.identity = YES
    await desk.answer(IdentityQuery(ALICE))
    script.identity = NoAnswer("Clerk answers with HTTP 401")
    assert len(caplog.records) == 1
    await desk.answer(IdentityQuery(ALICE, fresh=True))
    assert [record.getMessage() for record in caplog.records] == [
        "cannot tell who somebody is: Clerk answers with HTTP 401",
        "cannot tell who somebody is: Clerk answers with HTTP 401",
    ]


async def test_memory_is_bounded() -> None:
    """Beyond its size the person who was asked for longest ago is forgotten."""

    async def ask(person: Person) -> Identity:
        return YES if person != BOB else unknown("no_answer")

    memory = Memory(ask, most_people=2)
    people = [Person("T1", f"U{number}") for number in range(10, 13)]
    for person in (*people, BOB):
        await memory.ask(person)
    assert [memory.remembered(person) is not None for person in (*people, BOB)] == [False, True, True, False]
