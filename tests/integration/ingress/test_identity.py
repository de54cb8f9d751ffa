"""Who a Slack user is, asked over the broker, of a local Slack and a local Clerk."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker import NatsServer
from integration.ingress import wire
from integration.ingress.identified import (
    ALICE,
    BOB,
    CAROL,
    TEAM,
    Identities,
    environment,
    identities,
    until_it_answers,
)
from integration.ingress.test_process import port_of, process
from integration.sandbox.running import sandbox_at
from opsloop_common.bus import Bus
from opsloop_common.people import Identity, IdentityQuery, IdentityReason, Person
from opsloop_common.service import request
from opsloop_common.subjects import Subjects
from opsloop_sandbox.clerk_contract import ClerkEmail
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.contract import Behaviour

EMAIL = "alice@dealership.example"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    async with sandbox_at(tmp_path / "sandbox") as client:
        yield client


@pytest.fixture
async def who(bus: Bus, sandbox: SandboxClient, tmp_path: Path) -> AsyncIterator[Identities]:
    async with identities(bus, environment(sandbox, tmp_path)) as answering:
        yield answering


async def reason(who: Identities, person: Person = ALICE) -> tuple[str, str]:
    found = await who.ask(person)
    return found.state, found.reason


async def test_alice_is_verified(who: Identities) -> None:
    """With her address, her id at Clerk, and the time."""
    before = datetime.now(UTC)
    found = await who.ask(ALICE)
    assert (found.state, found.reason, found.email) == ("verified", "", EMAIL)
    assert (found.subject, found.source) == ("user_alice", "clerk")
    assert found.at is not None
    assert before <= found.at <= datetime.now(UTC)


async def test_bob_and_carol_are_not(who: Identities) -> None:
    """Clerk does not know Bob, and Carol never proved her address."""
    assert await reason(who, BOB) == ("refused", "unknown_person")
    assert await reason(who, CAROL) == ("refused", "unverified_email")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"is_bot": True}, "bot"),
        ({"deleted": True}, "deleted"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "stranger"),
        ({"team_id": "T0ELSEWHERE"}, "stranger"),
        ({"email": ""}, "no_email"),
        ({"is_email_confirmed": False}, "unconfirmed_email"),
    ],
)
async def test_slack_s_no_is_final(
    change: dict[str, str | bool], wanted: IdentityReason, who: Identities, sandbox: SandboxClient
) -> None:
    """Although Clerk would verify the address, it is not asked."""
    await sandbox.fault("clerk.users", "error", times=10)
    await sandbox.change_user(ALICE.user, **change)  # type: ignore[arg-type]  # each value is its field's
    assert await reason(who) == ("refused", wanted)
    (fault,) = await sandbox.faults()
    assert fault.seen == 0


async def test_a_person_of_another_workspace_is_a_stranger(who: Identities) -> None:
    """Whoever says to be Alice of another workspace is not her."""
    assert await reason(who, Person("T0ELSEWHERE", ALICE.user)) == ("refused", "stranger")
    assert await reason(who, Person(TEAM, "U0NOBODY")) == ("refused", "stranger")


@pytest.mark.parametrize("wanted", ["banned", "locked"])
async def test_an_account_that_may_not_sign_in_is_refused(
    wanted: IdentityReason, who: Identities, sandbox: SandboxClient
) -> None:
    """Whatever its address."""
    await sandbox.change_clerk_user("user_alice", banned=wanted == "banned", locked=wanted == "locked")
    assert await reason(who) == ("refused", wanted)


async def test_an_address_of_two_is_nobody_s(who: Identities, sandbox: SandboxClient) -> None:
    """Two users have it."""
    await sandbox.change_clerk_user("user_twin", emails=(ClerkEmail(EMAIL),))
    assert await reason(who) == ("refused", "ambiguous")


async def test_capitals_are_the_same_address(who: Identities, sandbox: SandboxClient) -> None:
    """On either side; the answer's address is in lower case."""
    await sandbox.change_clerk_user("user_alice", emails=(ClerkEmail("ALICE@dealership.example"),))
    await sandbox.change_user(ALICE.user, email="Alice@Dealership.Example")
    found = await who.ask(ALICE)
    assert (found.state, found.email) == ("verified", EMAIL)


async def test_a_plus_is_part_of_the_address(who: Identities, sandbox: SandboxClient) -> None:
    """It reaches Clerk as it is, and is not the address without it."""
    await sandbox.change_user(ALICE.user, email="alice+ops@dealership.example")
    assert await reason(who) == ("refused", "unknown_person")
    await sandbox.change_clerk_user("user_alice", emails=(ClerkEmail("alice+ops@dealership.example"),))
    assert (await who.ask(ALICE, fresh=True)).email == "alice+ops@dealership.example"


@pytest.mark.parametrize("behaviour", ["stored_then_reset", "lost_500", "unreadable_body", "ratelimited", "hang"])
@pytest.mark.parametrize("method", ["users.info", "clerk.users"])
async def test_a_source_that_does_not_tell(
    method: str, behaviour: Behaviour, who: Identities, sandbox: SandboxClient
) -> None:
    """Nobody is verified and nobody refused; once the source is well and time has passed, it is asked again."""
    await sandbox.fault(method, behaviour, times=10, seconds=30)
    assert await reason(who) == ("unknown", "no_answer")
    await sandbox.clear_faults()
    who.clock.seconds += 2
    assert await reason(who) == ("verified", "")


@pytest.mark.parametrize("method", ["users.info", "clerk.users"])
async def test_a_pause_that_was_asked_for_is_kept(method: str, who: Identities, sandbox: SandboxClient) -> None:
    """Until Retry-After is over no call is made, for nobody."""
    await sandbox.fault(method, "ratelimited", retry_after=30)
    assert await reason(who) == ("unknown", "no_answer")
    who.clock.seconds += 29
    assert await reason(who, CAROL) == ("unknown", "no_answer")
    (fault,) = await sandbox.faults()
    assert fault.seen == 1
    who.clock.seconds += 2
    assert await reason(who) == ("verified", "")


async def test_a_yes_is_at_most_a_minute_old(who: Identities, sandbox: SandboxClient) -> None:
    """Whoever is banned is refused a minute later, and at once where a fresh answer is wanted."""
    assert await reason(who) == ("verified", "")
    await sandbox.change_clerk_user("user_alice", banned=True)
    who.clock.seconds += 59
    assert await reason(who) == ("verified", "")
    who.clock.seconds += 2
    assert await reason(who) == ("refused", "banned")
    await sandbox.change_clerk_user("user_alice", banned=False)
    assert (await who.ask(ALICE, fresh=True)).state == "verified"


async def test_a_no_is_at_most_ten_seconds_old(who: Identities, sandbox: SandboxClient) -> None:
    """Whoever got an account is verified soon."""
    assert await reason(who, BOB) == ("refused", "unknown_person")
    await sandbox.change_clerk_user("user_bob", emails=(ClerkEmail("bob@dealership.example"),))
    who.clock.seconds += 9
    assert await reason(who, BOB) == ("refused", "unknown_person")
    who.clock.seconds += 2
    assert await reason(who, BOB) == ("verified", "")


async def test_a_yes_outlives_clerk_for_its_minute_only(who: Identities, sandbox: SandboxClient) -> None:
    """A fresh answer is not to be had, an old one is, until it is too old."""
    assert await reason(who) == ("verified", "")
    await sandbox.fault("clerk.users", "lost_500", times=10)
    assert (await who.ask(ALICE, fresh=True)).state == "unknown"
    assert await reason(who) == ("verified", "")
    who.clock.seconds += 61
    assert await reason(who) == ("unknown", "no_answer")


async def test_slow_lookups_hold_up_nobody(who: Identities, sandbox: SandboxClient) -> None:
    """While Clerk keeps many waiting, whoever is remembered and whoever Slack refuses is answered."""
    await reason(who)
    await sandbox.change_user(BOB.user, is_restricted=True)
    await sandbox.fault("clerk.users", "hang", times=100, seconds=30)
    people = [Person(TEAM, f"U0SLOW{number}") for number in range(20)]
    for person in people:
        await sandbox.change_user(person.user, email=EMAIL)
    slow = [asyncio.create_task(who.ask(person)) for person in people]
    async with asyncio.timeout(1.5):
        assert await reason(who) == ("verified", "")
        assert await reason(who, BOB) == ("refused", "guest")
        assert not any(task.done() for task in slow)
    assert {(await task).reason for task in slow} == {"no_answer"}


async def test_the_list_where_there_is_no_clerk(bus: Bus, sandbox: SandboxClient, tmp_path: Path) -> None:
    """Who is on it is verified, by the address that Slack knows."""
    variables = environment(sandbox, tmp_path, verified='["Bob@Dealership.example"]') | {"CLERK_SECRET_KEY": ""}
    async with identities(bus, variables) as who:
        found = await who.ask(BOB)
        assert (found.state, found.email, found.source) == ("verified", "bob@dealership.example", "list")
        assert await reason(who) == ("refused", "unknown_person")


async def test_clerk_goes_before_the_list(bus: Bus, sandbox: SandboxClient, tmp_path: Path) -> None:
    """The list counts only where there is no identity provider."""
    async with identities(bus, environment(sandbox, tmp_path, verified='["bob@dealership.example"]')) as who:
        assert await reason(who, BOB) == ("refused", "unknown_person")


@pytest.mark.parametrize("missing", ["CLERK_SECRET_KEY", "SLACK_BOT_TOKEN"])
async def test_nobody_to_ask(missing: str, bus: Bus, sandbox: SandboxClient, tmp_path: Path) -> None:
    """Without an identity provider and a list, or without Slack's token, nobody is known."""
    async with identities(bus, environment(sandbox, tmp_path) | {missing: ""}) as who:
        assert await reason(who) == ("unknown", "not_set_up")


async def test_a_wrong_key_verifies_nobody(bus: Bus, sandbox: SandboxClient, tmp_path: Path) -> None:
    """It refuses nobody either: it is not the person's fault."""
    async with identities(bus, environment(sandbox, tmp_path) | {"CLERK_SECRET_KEY": "sk_test_wrong"}) as who:
        assert await reason(who) == ("unknown", "no_answer")


async def test_a_token_without_the_scope_for_addresses(who: Identities, sandbox: SandboxClient) -> None:
    """Nobody has an address then, which is not said of the person."""
    await sandbox.settings(scopes=["users:read"])
    assert await reason(who) == ("unknown", "not_set_up")


async def test_answers_are_counted(who: Identities) -> None:
    """By source and outcome."""
    await reason(who)
    await reason(who, BOB)
    for outcome in ("verified", "unknown_person"):
        labels = {"source": "clerk", "outcome": outcome}
        assert who.counters.registry.get_sample_value("identity_lookups_total", labels) == 1
    assert who.counters.registry.get_sample_value("identity_lookup_seconds_count") == 2


async def test_ingress_answers_while_it_serves_http(
    nats_server: NatsServer, bus: Bus, sandbox: SandboxClient, tmp_path: Path
) -> None:
    """The whole process: a lookup that hangs delays no request of Slack, and no key is in its log."""
    await sandbox.fault("clerk.users", "hang", seconds=30)
    variables = environment(sandbox, tmp_path) | {"NATS_URL": nats_server.url, "OPSLOOP_LOG_LEVEL": "debug"}
    async with process(**variables) as started:
        port = await port_of(started)
        await until_it_answers(bus)
        slow = asyncio.create_task(request(bus, Subjects().identity, IdentityQuery(ALICE), Identity, 5))
        async with asyncio.timeout(1.5):
            assert (await wire.get(port, "/healthz")).status == 200
            assert (await wire.get(port, "/readyz")).status == 200
            assert not slow.done()
        assert (await slow).reason == "no_answer"
        found = await request(bus, Subjects().identity, IdentityQuery(ALICE), Identity, 5)
        assert (found.state, found.subject) == ("verified", "user_alice")
        started.terminate()
        _, errors = await asyncio.wait_for(started.communicate(), 10)
    assert b"Clerk does not answer" in errors
    for secret in (variables["CLERK_SECRET_KEY"], variables["SLACK_BOT_TOKEN"], EMAIL):
        assert secret.encode() not in errors
