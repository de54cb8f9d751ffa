"""Forms and pages in the sandbox's Slack: opened with real triggers, filled in, read by ingress."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from integration.notifier.scripted import SECRETS
from integration.sandbox.running import TOKEN, sandbox_at
from opsloop_common import catalogue, service
from opsloop_common.answers import HomeBody
from opsloop_common.bus import Bus
from opsloop_common.forms import FormCheck, FormChecked, FormOpen, FormOpened
from opsloop_common.people import Conversation, Person
from opsloop_common.redact import Redactor
from opsloop_common.service import Unanswered
from opsloop_common.subjects import Subjects
from opsloop_ingress import decode
from opsloop_ingress.asked import Submitted
from opsloop_ingress.rules import Rules
from opsloop_notifier import home
from opsloop_notifier.forms import Forms
from opsloop_notifier.gate import Gate
from opsloop_notifier.mrkdwn import Pen
from opsloop_notifier.outcome import Dead, Malformed, Sent
from opsloop_notifier.slack import SlackWeb, open_session
from opsloop_notifier.style import Style
from opsloop_sandbox.client import SandboxClient
from unit.notifier.states import answer

CATALOGUE = catalogue.parse(
    """
[targets.naples-honda]
title = "Naples Honda"

[tasks.ugc_audit]
title = "Run UGC Audit of everything there is"
effect = "idempotent"
[tasks.ugc_audit.params.days]
title = "Days"
kind = "number"
minimum = 1
maximum = 365
default = "30"
[tasks.ugc_audit.params.depth]
title = "Depth"
kind = "choice"
choices = ["quick", "full"]
[tasks.ugc_audit.params.note]
title = "Note"
default = "-"

[tasks.schema_fix]
title = "Run Schema Fix"
effect = "idempotent"
""",
    "test",
)
STYLE = Style(SECRETS, Pen(Redactor(SECRETS)))
ALICE = Person("T0OPSLOOP", "U0ALICE")
DEADLINE_SECONDS = 1.5


class App:
    """What Slack sends to ingress; answered with an empty 200."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response()


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def sandbox(app: App, tmp_path: Path) -> AsyncIterator[SandboxClient]:
    site = web.Application()
    site.router.add_post("/slack/{what}", app.handle)
    async with (
        TestServer(site) as server,
        sandbox_at(tmp_path / "sandbox", app_url=str(server.make_url("/"))) as sandbox,
    ):
        yield sandbox


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


def slack_of(sandbox: SandboxClient, session: aiohttp.ClientSession, token: str = TOKEN) -> SlackWeb:
    return SlackWeb(token=token, api_url=sandbox.api_url, session=session, count=lambda *_: None)


@pytest.fixture
async def slack(sandbox: SandboxClient, session: aiohttp.ClientSession) -> SlackWeb:
    return slack_of(sandbox, session)


@pytest.fixture
async def notifier(slack: SlackWeb, bus: Bus, subjects: Subjects) -> AsyncIterator[Gate]:
    """Serving forms; what is returned is its gate."""
    gate = Gate(slack.identify)
    forms = Forms(slack=slack, gate=gate, catalogue=CATALOGUE, style=STYLE)
    jobs = [asyncio.create_task(gate.watch()), asyncio.create_task(forms.run(bus, subjects))]
    await gate.passed()
    await _serving(bus, subjects)
    yield gate
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def _serving(bus: Bus, subjects: Subjects) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            await check(bus, subjects, task="x")
            return
        except Unanswered:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


async def check(bus: Bus, subjects: Subjects, task: str = "ugc_audit", **params: str) -> dict[str, str]:
    question = FormCheck(task=task, params=params)
    return (await service.request(bus, subjects.form("check"), question, FormChecked, 0.8)).errors


async def opened(bus: Bus, trigger_id: str, task: str = "ugc_audit") -> FormOpened:
    conversation = Conversation("T0OPSLOOP", "C0OPS")
    asked = FormOpen(
        trigger_id=trigger_id, task=task, actor=ALICE, conversation=conversation, target="naples-honda"
    )  # fmt: skip
    return await service.request(bus, Subjects().form("open"), asked, FormOpened, DEADLINE_SECONDS)


async def trigger(sandbox: SandboxClient) -> str:
    """As a person's slash command brings it along."""
    delivery = await sandbox.command("U0ALICE", "C0OPS", "run ugc_audit naples-honda")
    assert delivery.trigger_id
    return delivery.trigger_id


async def test_a_form_is_opened_and_filled_in(sandbox: SandboxClient, app: App, notifier: Gate, bus: Bus) -> None:
    """A real trigger opens it; what is entered comes back to ingress as that run, by that person, right there."""
    assert await opened(bus, await trigger(sandbox)) == FormOpened(opened=True)
    modal = (await sandbox.views("U0ALICE")).modal
    assert modal is not None
    assert modal["title"] == {"type": "plain_text", "text": "Run UGC Audit of everyt…", "emoji": True}
    values: dict[str, dict[str, str | list[str] | None]] = {
        "days": {"value": "90"}, "depth": {"value": "full"}, "note": {"value": "Zürich & co"}
    }  # fmt: skip
    await sandbox.submit("U0ALICE", str(modal["id"]), values)
    outcome = decode.decode("interaction", app.bodies[-1], datetime.now(UTC), Rules(button_secrets=SECRETS))
    assert isinstance(outcome, Submitted)
    run = outcome.command
    assert run.params == {"days": "90", "depth": "full", "note": "Zürich & co"}
    assert (run.task, run.target) == ("ugc_audit", "naples-honda")
    assert run.conversation == Conversation("T0OPSLOOP", "C0OPS")
    assert (await sandbox.views("U0ALICE")).modal is None


async def test_a_trigger_asked_for_twice_opened_one_form(sandbox: SandboxClient, notifier: Gate, bus: Bus) -> None:
    """The same click, delivered again: its form is open already, and nobody is told to click once more."""
    found = await trigger(sandbox)
    assert [(await opened(bus, found)).opened for _ in range(2)] == [True, True]


async def test_a_trigger_that_is_none_opens_nothing(sandbox: SandboxClient, notifier: Gate, bus: Bus) -> None:
    """Slack's own word for it goes to whoever asked, and the trigger to no log."""
    assert await opened(bus, "1.2.gone") == FormOpened(opened=False, error="invalid_trigger_id")
    assert (await sandbox.views("U0ALICE")).modal is None


@pytest.mark.parametrize("task", ["schema_fix", "nothing"])
async def test_a_task_without_parameters_has_no_form(
    sandbox: SandboxClient, notifier: Gate, bus: Bus, task: str
) -> None:
    """It is not asked of Slack."""
    assert not (await opened(bus, await trigger(sandbox), task)).opened
    assert [call for call in await sandbox.calls() if call.method == "views.open"] == []


async def test_a_slack_that_hangs_is_told_in_time(sandbox: SandboxClient, notifier: Gate, bus: Bus) -> None:
    """Before whoever asked gives up."""
    found = await trigger(sandbox)
    await sandbox.fault("views.open", "hang", seconds=4)
    assert await opened(bus, found) == FormOpened(opened=False, error="Slack did not answer in time")


async def test_a_refused_token_opens_nothing_and_shuts_the_gate(
    sandbox: SandboxClient, notifier: Gate, bus: Bus
) -> None:
    """The next question is answered at once, for the trigger will not wait."""
    await sandbox.fault("views.open", "error", code="token_revoked")
    await sandbox.fault("auth.test", "error", code="token_revoked", times=100)
    assert (await opened(bus, await trigger(sandbox))).error == "token_revoked"
    assert "token_revoked" in notifier.problem
    assert "token_revoked" in (await opened(bus, await trigger(sandbox))).error


async def test_values_are_checked(notifier: Gate, bus: Bus, subjects: Subjects) -> None:
    """A sentence for each field that is wrong, in the words of the catalogue's own rules; none where all is well."""
    wrong = await check(bus, subjects, days="400", depth="deep")
    assert wrong == {"days": "A number from 1 to 365.", "depth": "One of quick, full."}
    assert await check(bus, subjects, days="", depth="full", note="") == {}
    assert await check(bus, subjects, task="gone", days="x") == {}


async def test_a_page_is_published(sandbox: SandboxClient, slack: SlackWeb) -> None:
    """The person sees it; content Slack does not take and people it does not know are told apart."""
    page = home.page(answer(HomeBody(command="/dealershipai"), "home"), STYLE)
    assert await slack.publish_view("U0ALICE", page) == Sent()
    shown = (await sandbox.views("U0ALICE")).home
    assert shown is not None
    assert "None of your tasks is running or waiting." in str(shown["blocks"])
    assert isinstance(await slack.publish_view("U0ALICE", {"type": "home", "blocks": [{}]}), Malformed)
    await sandbox.fault("views.publish", "error", code="not_enabled")
    assert await slack.publish_view("U0ALICE", page) == Dead("not_enabled")
