"""The one synchronous path: a form is opened and checked while Slack waits, and never for longer than it does."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from broker import NatsServer
from integration.ingress import running
from integration.ingress.running import Running
from integration.ingress.slack_socket import slack_socket
from integration.ingress.test_socket_mode import SlowBus, socket_mode
from opsloop_common import codec, service
from opsloop_common.bus import Bus
from opsloop_common.commands import AnyCommand, CountClick, ExplainButton, RunTask, ShowHome
from opsloop_common.forms import FormCheck, FormChecked, FormOpen, FormOpened
from opsloop_common.people import Conversation, Person
from opsloop_common.signing import sign
from opsloop_common.subjects import Subjects
from unit.ingress import slack

RULES = replace(running.RULES, forms=frozenset({"ugc_audit"}), targets=frozenset({"naples-honda"}))
HERE = Conversation("T0OPSLOOP", "C0OPS")
ALICE = Person("T0OPSLOOP", "U0ALICE")
CLICK = slack.click(slack.button("task.run.ugc_audit"))
SLACKS_SECONDS = 3.0


class Notifier:
    """Stands in for one: answers on `ops.q.modal` as told, or (`hangs`) not in time."""

    def __init__(self) -> None:
        self.opened = FormOpened(opened=True)
        self.errors: dict[str, str] = {}
        self.hangs = False
        self.asked: list[FormOpen | FormCheck] = []

    async def open(self, asked: FormOpen) -> FormOpened:
        await self._note(asked)
        return self.opened

    async def check(self, asked: FormCheck) -> FormChecked:
        await self._note(asked)
        return FormChecked(errors=self.errors)

    async def _note(self, asked: FormOpen | FormCheck) -> None:
        self.asked.append(asked)
        if self.hangs:
            await asyncio.Event().wait()

    async def serve(self, bus: Bus) -> None:
        subjects = Subjects()
        await service.serve(
            bus, name="modal", version="1.0.0", description="Stands in",
            endpoints=(
                service.endpoint("open", subjects.form("open"), FormOpen, self.open),
                service.endpoint("check", subjects.form("check"), FormCheck, self.check),
            ),
        )  # fmt: skip


@pytest.fixture
async def notifier(bus: Bus) -> AsyncIterator[Notifier]:
    found = Notifier()
    serving = asyncio.create_task(found.serve(bus))
    await _answering(bus)
    found.asked.clear()
    yield found
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def _answering(bus: Bus) -> None:
    """Returns when the stand-in has its endpoints."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(service.Unanswered):
            await service.request(bus, Subjects().form("check"), FormCheck(task="", params={}), FormChecked, 1)
            return
        await asyncio.sleep(0.01)


@pytest.fixture
async def ingress(bus: Bus) -> AsyncIterator[Running]:
    async with running.ingress(bus, RULES) as started:
        yield started


def submission(secret: str = slack.BUTTON_SECRET, **values: str) -> bytes:
    form = FormOpen(trigger_id="", task="ugc_audit", actor=ALICE, conversation=HERE, target="naples-honda")
    text = codec.encode(form).decode()
    view = {
        "id": "V0FORM",
        "type": "modal",
        "callback_id": "params.ugc_audit",
        "private_metadata": f"{sign((secret,), 'form', text)}.{text}",
        "state": {"values": {name: {"value": {"value": value}} for name, value in values.items()}},
    }
    return slack.click(type="view_submission", view=view, channel=None, container=None)


async def stored(bus: Bus) -> list[AnyCommand]:
    return [codec.decode_command(found.data).data for found in await bus.read("CMD", "ops.cmd.>")]


# --- opening --------------------------------------------------------------------------------------------------------


async def test_a_form_that_opens_is_all(ingress: Running, notifier: Notifier, bus: Bus) -> None:
    """The notifier gets the trigger and what it is for; Slack gets its 200, and nothing is stored."""
    assert (await ingress.send("interaction", CLICK)).status == 200
    [asked] = notifier.asked
    assert asked == FormOpen(
        trigger_id="123.456.abcdef", task="ugc_audit", actor=ALICE, conversation=HERE, card=slack.TASK.id
    )
    assert await stored(bus) == []
    assert ingress.counted("ingress_forms_total", step="open", outcome="opened") == 1
    assert ingress.counted("ingress_requests_total", kind="interaction", outcome="answered") == 1


async def test_words_open_a_form_too(ingress: Running, notifier: Notifier) -> None:
    """With the dealer as it was typed."""
    assert (await ingress.send("command", slack.command("run ugc_audit Naples-Honda"))).status == 200
    [asked] = notifier.asked
    assert isinstance(asked, FormOpen)
    assert asked.target == "Naples-Honda"


async def test_a_form_that_does_not_open_is_explained(ingress: Running, notifier: Notifier, bus: Bus) -> None:
    """Durably: the person is told to click again."""
    notifier.opened = FormOpened(opened=False, error="expired_trigger_id")
    assert (await ingress.send("interaction", CLICK)).status == 200
    [explained] = await stored(bus)
    assert isinstance(explained, ExplainButton)
    assert (explained.reason, explained.action) == ("no_form", "task.run.ugc_audit")
    assert ingress.counted("ingress_forms_total", step="open", outcome="refused") == 1


async def test_nobody_opens_forms(ingress: Running, bus: Bus) -> None:
    """Without a notifier it is known at once, and explained."""
    began = time.monotonic()
    assert (await ingress.send("interaction", CLICK)).status == 200
    assert time.monotonic() - began < 1
    [explained] = await stored(bus)
    assert isinstance(explained, ExplainButton)
    assert ingress.counted("ingress_forms_total", step="open", outcome="no_answer") == 1


async def test_a_notifier_that_hangs_costs_less_than_slack_waits(
    ingress: Running, notifier: Notifier, bus: Bus
) -> None:
    """The deadline passes, the explanation is stored, and Slack still has its 200 in time."""
    notifier.hangs = True
    began = time.monotonic()
    assert (await ingress.send("interaction", CLICK)).status == 200
    assert time.monotonic() - began < SLACKS_SECONDS
    assert [type(command) for command in await stored(bus)] == [ExplainButton]


@pytest.mark.parametrize("body", [CLICK, submission(days="x")], ids=["open", "check"])
async def test_both_may_hang(ingress: Running, notifier: Notifier, body: bytes) -> None:
    """A notifier and then a broker that says nothing: together they cost less than Slack waits as well."""
    notifier.hangs, ingress.handover.bus = True, SlowBus()
    began = time.monotonic()
    assert (await ingress.send("interaction", body)).status == 503
    assert time.monotonic() - began < SLACKS_SECONDS


async def test_without_a_broker_slack_is_told(ingress: Running, notifier: Notifier, nats_server: NatsServer) -> None:
    """A form nobody can open and an explanation nobody can store: 503, within Slack's seconds."""
    nats_server.kill()
    for body in (CLICK, submission(days="30")):
        began = time.monotonic()
        assert (await ingress.send("interaction", body)).status == 503
        assert time.monotonic() - began < SLACKS_SECONDS


# --- submitting -----------------------------------------------------------------------------------------------------


async def test_a_good_form_becomes_a_run(ingress: Running, notifier: Notifier, bus: Bus) -> None:
    """Checked, stored once however often it is delivered, and answered with nothing, which closes it."""
    for _ in range(2):
        answer = await ingress.send("interaction", submission(days="30"))
        assert (answer.status, answer.body) == (200, b"")
    assert notifier.asked[0] == FormCheck(task="ugc_audit", params={"days": "30"})
    [run] = await stored(bus)
    assert isinstance(run, RunTask)
    assert (run.task, run.target, run.params, run.conversation) == ("ugc_audit", "naples-honda", {"days": "30"}, HERE)


async def test_mistakes_are_shown_in_the_form(ingress: Running, notifier: Notifier, bus: Bus) -> None:
    """At the fields that it has; nothing is stored, and the mended form counts."""
    notifier.errors = {"days": "A number from 1 to 365, not “x”.", "gone": "This has no default: enter a value."}
    answer = await ingress.send("interaction", submission(days="x"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == {
        "response_action": "errors",
        "errors": {"days": "A number from 1 to 365, not “x”."},
    }
    assert await stored(bus) == []
    notifier.errors = {}
    assert (await ingress.send("interaction", submission(days="30"))).body == b""
    assert [type(command) for command in await stored(bus)] == [RunTask]


async def test_unchecked_values_go_on(ingress: Running, notifier: Notifier, bus: Bus) -> None:
    """The orchestrator checks them again, so nobody waits for a notifier that hangs."""
    notifier.hangs = True
    began = time.monotonic()
    assert (await ingress.send("interaction", submission(days="x"))).status == 200
    assert time.monotonic() - began < SLACKS_SECONDS
    assert [type(command) for command in await stored(bus)] == [RunTask]
    assert ingress.counted("ingress_forms_total", step="check", outcome="no_answer") == 1


async def test_a_forged_form_is_refused(ingress: Running, notifier: Notifier, bus: Bus) -> None:
    """Counted; it is asked of nobody and reaches no stream."""
    assert (await ingress.send("interaction", submission("a-secret-of-somebody-else", days="1"))).status == 401
    assert ingress.counted("ingress_refused_total", reason="form_forged") == 1
    assert notifier.asked == []
    assert await stored(bus) == []


async def test_mistakes_go_along_with_the_acknowledgement(notifier: Notifier, bus: Bus) -> None:
    """Over Socket Mode as well; a form without mistakes is acknowledged without a word."""
    notifier.errors = {"days": "A number."}
    async with slack_socket() as played, socket_mode(bus, played) as connected:
        await connected.ready()
        wrong = await played.send("interactive", slack.read_payload(submission(days="x")))
        await played.until_acknowledged(wrong)
        assert played.answered[wrong] == {"response_action": "errors", "errors": {"days": "A number."}}
        notifier.errors = {}
        right = await played.send("interactive", slack.read_payload(submission(days="30")))
        await played.until_acknowledged(right)
        assert played.answered[right] is None


# --- what else is new -----------------------------------------------------------------------------------------------


async def test_a_link_click_is_counted_once(ingress: Running, bus: Bus) -> None:
    """Stored like any command, once for one click."""
    for _ in range(3):
        assert (await ingress.send("interaction", slack.click(slack.button("task.grafana")))).status == 200
    [click] = await stored(bus)
    assert isinstance(click, CountClick)
    assert click.action == "task.grafana"


async def test_the_page_is_asked_for_once(ingress: Running, bus: Bus) -> None:
    """However often Slack repeats the event."""
    opened = {"type": "app_home_opened", "user": "U0ALICE", "tab": "home"}
    for _ in range(3):
        assert (await ingress.send("event", slack.event(event=opened))).status == 200
    [home] = await stored(bus)
    assert isinstance(home, ShowHome)
    assert home.conversation == Conversation("T0OPSLOOP", "U0ALICE")
