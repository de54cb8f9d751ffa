"""What goes wrong on purpose, as slack_sdk experiences it and as the oracle notes it."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from integration.sandbox.running import slack_client
from opsloop_sandbox.client import ControlError, SandboxClient
from opsloop_sandbox.contract import Behaviour


async def texts(sandbox: SandboxClient) -> list[str]:
    return [message.text for message in await sandbox.messages("U0BOB")]


async def test_posts_over_the_rate_are_refused_with_retry_after(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """After the burst a post gets 429 with whole seconds to wait and has no effect; another channel goes on."""
    await sandbox.settings(rate_limits=True)
    for n in range(4):
        await slack.chat_postMessage(channel="C0OPS", text=str(n))

    with pytest.raises(SlackApiError) as caught:
        await slack.chat_postMessage(channel="C0OPS", text="too much")
    await slack.chat_postMessage(channel="C0RANDOM", text="elsewhere")

    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert caught.value.response["error"] == "ratelimited"
    assert await texts(sandbox) == ["0", "1", "2", "3"]


async def test_updates_are_limited_per_method_and_the_limit_can_be_lifted(
    slack: AsyncWebClient, sandbox: SandboxClient
) -> None:
    """The 51st update within a minute is refused while reading goes on; without limits it passes."""
    ts = (await slack.chat_postMessage(channel="C0OPS", text="x"))["ts"]
    await sandbox.settings(rate_limits=True)
    for n in range(50):
        await slack.chat_update(channel="C0OPS", ts=ts, text=str(n))

    with pytest.raises(SlackApiError) as caught:
        await slack.chat_update(channel="C0OPS", ts=ts, text="refused")
    assert 1 <= int(caught.value.response.headers["Retry-After"]) <= 60
    assert (await slack.conversations_history(channel="C0OPS"))["messages"][0]["text"] == "49"

    await sandbox.settings(rate_limits=False)
    await slack.chat_update(channel="C0OPS", ts=ts, text="accepted")
    assert await texts(sandbox) == ["accepted"]


async def test_a_lost_answer_leaves_the_message(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """stored_then_reset breaks the connection off after storing, and the oracle says so."""
    await sandbox.fault("chat.postMessage", "stored_then_reset")

    with pytest.raises(aiohttp.ClientError):
        await slack.chat_postMessage(channel="C0OPS", text="kept")

    [call] = await sandbox.calls()
    assert await texts(sandbox) == ["kept"]
    assert (call.outcome, call.effect, call.behaviour) == ("ok", True, "stored_then_reset")


@pytest.mark.parametrize(
    ("behaviour", "status", "left"),
    [
        ("stored_then_500", 500, ["x"]),
        ("lost_500", 500, []),
        ("unreadable_body", 200, ["x"]),
        ("ratelimited", 429, []),
        ("error", 200, []),
    ],
)
async def test_what_an_answer_says_and_what_was_stored(
    slack: AsyncWebClient, sandbox: SandboxClient, behaviour: Behaviour, status: int, left: list[str]
) -> None:
    """Each behaviour answers with its status and stores exactly what it promises; the next call is honest again."""
    await sandbox.fault("chat.postMessage", behaviour)

    with pytest.raises(SlackApiError) as caught:
        await slack.chat_postMessage(channel="C0OPS", text="x")
    await slack.chat_postMessage(channel="C0OPS", text="after")

    first = (await sandbox.calls())[0]
    assert caught.value.response.status_code == status
    assert await texts(sandbox) == [*left, "after"]
    assert (first.behaviour, first.effect) == (behaviour, bool(left))


async def test_a_request_can_land_after_its_failure_was_reported(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """slow_landing answers 500 at once, stores later, and the oracle links the landing to its call."""
    await sandbox.fault("chat.postMessage", "slow_landing", seconds=0.2)

    with pytest.raises(SlackApiError):
        await slack.chat_postMessage(channel="C0OPS", text="late")
    before = await texts(sandbox)
    [landing] = await sandbox.calls(1, wait_ms=5000)

    assert before == []
    assert await texts(sandbox) == ["late"]
    assert (landing.landed, landing.effect) == (1, True)


async def test_a_hanging_call_can_outlast_its_caller(sandbox: SandboxClient) -> None:
    """hang stores first and answers after its seconds; a caller that gives up earlier knows nothing."""
    await sandbox.fault("chat.postMessage", "hang", seconds=5)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as session:
        slack = AsyncWebClient(token="xoxb-test", base_url=sandbox.api_url, session=session, retry_handlers=[])
        with pytest.raises(TimeoutError):
            await slack.chat_postMessage(channel="C0OPS", text="hung")

    assert await texts(sandbox) == ["hung"]


async def test_history_lags_behind(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """With history_lag a fresh message is missing from history for as long as the fault says."""
    await slack.chat_postMessage(channel="C0OPS", text="fresh")
    await sandbox.fault("conversations.history", "history_lag", seconds=60)

    assert (await slack.conversations_history(channel="C0OPS"))["messages"] == []
    assert len((await slack.conversations_history(channel="C0OPS"))["messages"]) == 1


async def test_a_fault_hits_only_the_calls_it_names(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """`every` 2 and a channel hit each second call in that channel; clearing ends it."""
    await sandbox.fault("chat.postMessage", "error", every=2, channel="C0OPS", code="fatal_error")
    outcomes = []
    for channel in ("C0OPS", "C0RANDOM", "C0OPS", "C0OPS", "C0OPS"):
        try:
            await slack.chat_postMessage(channel=channel, text="x")
            outcomes.append("ok")
        except SlackApiError as error:
            outcomes.append(error.response["error"])

    [fault] = await sandbox.faults()
    await sandbox.clear_faults()
    assert outcomes == ["ok", "ok", "fatal_error", "ok", "fatal_error"]
    assert (fault.seen, fault.fired) == (4, 2)
    assert await sandbox.faults() == []


async def test_slack_sdk_by_default_posts_twice_when_an_answer_is_lost(sandbox: SandboxClient) -> None:
    """The trap is real: slack_sdk's own retry of a lost answer makes two messages out of one."""
    await sandbox.fault("chat.postMessage", "stored_then_reset")
    async with aiohttp.ClientSession() as session:
        slack = AsyncWebClient(token="xoxb-test", base_url=sandbox.api_url, session=session)
        await slack.chat_postMessage(channel="C0OPS", text="double")

    assert await texts(sandbox) == ["double", "double"]


async def test_the_control_api_says_what_is_wrong(sandbox: SandboxClient) -> None:
    """A request it cannot carry out is refused with a code and a sentence."""
    with pytest.raises(ControlError, match="no person 'U0NOBODY'"):
        await sandbox.messages("U0NOBODY")
    with pytest.raises(ControlError) as caught:
        await sandbox.messages("U0BOB", "G0PRIVATE")
    assert (caught.value.status, caught.value.code) == (403, "not_in_channel")


async def test_two_clients_are_one_app(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """Replicas with the same token share one budget."""
    await sandbox.settings(rate_limits=True)
    async with slack_client(sandbox) as other:
        for client in (slack, other, slack, other):
            await client.chat_postMessage(channel="C0OPS", text="x")
        with pytest.raises(SlackApiError):
            await other.chat_postMessage(channel="C0OPS", text="x")
