"""Modals, homes and look-ups, judged by slack_sdk and slack_bolt."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from integration.sandbox.running import SECRET, TOKEN, sandbox_at, slack_client
from opsloop_sandbox import triggers
from opsloop_sandbox.client import ControlError, SandboxClient
from opsloop_sandbox.slack_error import SlackError
from opsloop_sandbox.triggers import Triggers
from opsloop_sandbox.view_rules import check_view
from waiting import until


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


REASON = {
    "type": "input",
    "block_id": "reason",
    "label": plain("Reason"),
    "element": {"type": "plain_text_input", "action_id": "text"},
}
SPEED = {
    "type": "input",
    "block_id": "speed",
    "optional": True,
    "label": plain("Speed"),
    "element": {
        "type": "static_select",
        "action_id": "choice",
        "options": [{"text": plain("Fast"), "value": "fast"}, {"text": plain("Slow"), "value": "slow"}],
    },
}
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "params.test",
    "private_metadata": "kept",
    "title": plain("Parameters"),
    "submit": plain("Run"),
    "notify_on_close": True,
    "blocks": [REASON, SPEED],
}
BUTTON = {"type": "actions", "elements": [{"type": "button", "action_id": "more", "text": plain("More"), "value": "1"}]}


class App:
    """Opens MODAL on the command, unless told to wait; what it is sent is in `seen`."""

    def __init__(self) -> None:
        self.bolt: Any = None
        self.seen: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {}
        self.opens = True

    async def handle(self, request: web.Request) -> web.Response:
        bolt_request = AsyncBoltRequest(body=await request.text(), headers=dict(request.headers))
        answer = await self.bolt.async_dispatch(bolt_request)
        return web.Response(status=answer.status, text=answer.body)


@pytest.fixture
async def wired(tmp_path: Path) -> AsyncIterator[tuple[App, SandboxClient, AsyncWebClient]]:
    app = App()
    site = web.Application()
    site.router.add_post("/slack/{what}", app.handle)
    async with (
        TestServer(site) as server,
        sandbox_at(tmp_path, app_url=str(server.make_url("/"))) as sandbox,
        slack_client(sandbox) as slack,
    ):
        bolt = AsyncApp(client=slack, signing_secret=SECRET, token=TOKEN)

        @bolt.command("/dealershipai")
        async def on_command(ack: Any, body: dict[str, Any], client: Any) -> None:
            await ack()
            app.seen.append(body)
            if app.opens:
                await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

        @bolt.view("params.test")
        async def on_submit(ack: Any, body: dict[str, Any]) -> None:
            app.seen.append(body)
            await ack(**app.answer)

        @bolt.view_closed("params.test")
        async def on_close(ack: Any, body: dict[str, Any]) -> None:
            app.seen.append(body)
            await ack()

        @bolt.action("more")
        async def on_click(ack: Any, body: dict[str, Any]) -> None:
            app.seen.append(body)
            await ack()

        app.bolt = bolt
        yield app, sandbox, slack


Wired = tuple[App, SandboxClient, AsyncWebClient]


async def opened(sandbox: SandboxClient) -> dict[str, Any]:
    """The modal that the command opens for Alice."""
    await sandbox.command("U0ALICE", "C0OPS", "run")
    deadline = asyncio.get_running_loop().time() + 5
    while (modal := (await sandbox.views("U0ALICE")).modal) is None:
        assert asyncio.get_running_loop().time() < deadline, "no modal was opened"
    return modal


async def test_a_trigger_opens_one_modal_for_who_caused_it(wired: Wired) -> None:
    """The person sees the modal, nobody else does, and the trigger cannot be used again."""
    app, sandbox, slack = wired

    modal = await opened(sandbox)

    assert modal["private_metadata"] == "kept"
    assert (await sandbox.views("U0BOB")).modal is None
    with pytest.raises(SlackApiError) as again:
        await slack.views_open(trigger_id=app.seen[0]["trigger_id"], view=MODAL)
    assert again.value.response["error"] == "exchanged_trigger_id"


async def test_a_trigger_that_nobody_issued_opens_nothing(wired: Wired) -> None:
    """It is invalid, and the view with it is not shown."""
    _, sandbox, slack = wired
    with pytest.raises(SlackApiError) as invented:
        await slack.views_open(trigger_id="1.2.abc", view=MODAL)
    assert invented.value.response["error"] == "invalid_trigger_id"
    assert (await sandbox.views("U0ALICE")).modal is None


def test_a_trigger_dies_after_three_seconds() -> None:
    """At three seconds it still works, a moment later it has expired."""
    issued = Triggers()
    in_time, late = issued.issue("U0ALICE", 100.0), issued.issue("U0ALICE", 100.0)
    assert issued.exchange(in_time, 100.0 + triggers.LIFETIME_SECONDS) == "U0ALICE"
    with pytest.raises(SlackError, match="expired_trigger_id"):
        issued.exchange(late, 100.1 + triggers.LIFETIME_SECONDS)


async def test_a_required_field_is_asked_for_before_the_app_is(wired: Wired) -> None:
    """Slack itself complains about an empty required field; the app hears nothing, the modal stays."""
    app, sandbox, _ = wired
    modal = await opened(sandbox)

    result = await sandbox.submit("U0ALICE", modal["id"], {"reason": {"text": ""}})

    assert list(result.errors) == ["reason"]
    assert [body.get("type") for body in app.seen] == [None]
    assert (await sandbox.views("U0ALICE")).modal is not None


async def test_a_submission_carries_what_was_filled_in_and_closes(wired: Wired) -> None:
    """The app reads typed values under block and action, and an empty acknowledgement closes the modal."""
    app, sandbox, _ = wired
    modal = await opened(sandbox)

    await sandbox.submit("U0ALICE", modal["id"], {"reason": {"text": "because"}, "speed": {"choice": "slow"}})

    view = app.seen[-1]["view"]
    assert view["state"]["values"]["reason"]["text"] == {"type": "plain_text_input", "value": "because"}
    assert view["state"]["values"]["speed"]["choice"]["selected_option"]["text"]["text"] == "Slow"
    assert (view["id"], view["callback_id"], view["private_metadata"]) == (modal["id"], "params.test", "kept")
    assert (await sandbox.views("U0ALICE")).modal is None


async def test_errors_keep_the_modal_open(wired: Wired) -> None:
    """`errors` come back by block, and the person can try again."""
    app, sandbox, _ = wired
    modal = await opened(sandbox)
    app.answer = {"response_action": "errors", "errors": {"reason": "Too short"}}

    result = await sandbox.submit("U0ALICE", modal["id"], {"reason": {"text": "x"}})

    assert result.errors == {"reason": "Too short"}
    assert (await sandbox.views("U0ALICE")).modal == modal


async def test_an_answer_can_replace_or_clear_the_modal(wired: Wired) -> None:
    """`update` shows the other view under the same id, `clear` takes everything away."""
    app, sandbox, _ = wired
    modal = await opened(sandbox)
    app.answer = {"response_action": "update", "view": {**MODAL, "title": plain("Second page")}}

    await sandbox.submit("U0ALICE", modal["id"], {"reason": {"text": "x"}})
    second = (await sandbox.views("U0ALICE")).modal
    app.answer = {"response_action": "clear"}
    await sandbox.submit("U0ALICE", modal["id"], {"reason": {"text": "x"}})

    assert second is not None
    assert (second["id"], second["title"]) == (modal["id"], plain("Second page"))
    assert second["hash"] != modal["hash"]
    assert (await sandbox.views("U0ALICE")).modal is None


async def test_closing_is_told_to_the_app_that_asked_for_it(wired: Wired) -> None:
    """notify_on_close brings view_closed."""
    app, sandbox, _ = wired
    modal = await opened(sandbox)

    delivery = await sandbox.close_view("U0ALICE", modal["id"])

    assert delivery is not None
    assert delivery.status == 200
    assert (app.seen[-1]["type"], app.seen[-1]["view"]["id"]) == ("view_closed", modal["id"])
    with pytest.raises(ControlError):
        await sandbox.submit("U0ALICE", modal["id"])


async def test_a_view_is_updated_by_its_hash(wired: Wired) -> None:
    """An update with an old hash is a conflict, one with the present hash is shown."""
    _, sandbox, slack = wired
    modal = await opened(sandbox)
    changed = {**MODAL, "title": plain("Changed")}

    with pytest.raises(SlackApiError) as conflict:
        await slack.views_update(view_id=modal["id"], hash="0.old", view=changed)
    await slack.views_update(view_id=modal["id"], hash=modal["hash"], view=changed)

    assert conflict.value.response["error"] == "hash_conflict"
    shown = (await sandbox.views("U0ALICE")).modal
    assert shown is not None
    assert shown["title"] == plain("Changed")


async def test_a_home_is_published_clicked_and_kept(wired: Wired) -> None:
    """A home belongs to one person, is replaced as a whole, and its buttons reach the app with the view."""
    app, sandbox, slack = wired
    await slack.views_publish(user_id="U0BOB", view={"type": "home", "blocks": [{"type": "divider"}]})
    await slack.views_publish(user_id="U0BOB", view={"type": "home", "blocks": [BUTTON]})

    seen = await sandbox.views("U0BOB")
    assert seen.home is not None
    await sandbox.click_in_view("U0BOB", str(seen.home["id"]), "more")

    await until(lambda: bool(app.seen))
    assert app.seen[0]["container"] == {"type": "view", "view_id": seen.home["id"]}
    assert app.seen[0]["actions"][0]["value"] == "1"
    assert (await sandbox.views("U0ALICE")).home is None


async def test_views_outlive_a_restart(tmp_path: Path) -> None:
    """A published home is there again when the sandbox starts anew."""
    async with sandbox_at(tmp_path) as sandbox, slack_client(sandbox) as slack:
        await slack.views_publish(user_id="U0BOB", view={"type": "home", "blocks": [BUTTON]})
        before = await sandbox.views("U0BOB")
    async with sandbox_at(tmp_path) as sandbox:
        assert await sandbox.views("U0BOB") == before


async def test_a_person_is_found_by_address(sandbox: SandboxClient, slack: AsyncWebClient) -> None:
    """users.lookupByEmail finds the person whatever the case, and says users_not_found for a stranger."""
    found = await slack.users_lookupByEmail(email="Bob@dealership.example")
    assert found["user"]["id"] == "U0BOB"
    with pytest.raises(SlackApiError) as stranger:
        await slack.users_lookupByEmail(email="nobody@dealership.example")
    assert stranger.value.response["error"] == "users_not_found"
    await sandbox.settings(scopes=["users:read"])
    with pytest.raises(SlackApiError) as without:
        await slack.users_lookupByEmail(email="bob@dealership.example")
    assert without.value.response["error"] == "missing_scope"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"title": plain("x" * 25)}, "/view/title"),
        ({"submit": None}, "missing required field: submit"),
        ({"blocks": [{"type": "markdown", "text": "no"}]}, "unsupported type: markdown"),
        ({"blocks": [{**REASON, "element": {"type": "button"}}]}, "/view/blocks/0/element/type"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"type": "home"}, "/view/type"),
    ],
)
def test_a_view_keeps_to_slacks_limits(changes: dict[str, Any], complaint: str) -> None:
    """Each breach is named with its place; the modal without it is fine."""
    assert check_view(MODAL, "modal") == []
    assert complaint in "\n".join(check_view({**MODAL, **changes}, "modal"))
