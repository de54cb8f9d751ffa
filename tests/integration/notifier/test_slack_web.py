"""The adapter against a server that misbehaves: each answer is what it is, and nothing is ever sent twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from broker import free_port
from opsloop_notifier.measures import Measures
from opsloop_notifier.message import Message
from opsloop_notifier.outcome import Ambiguous, Dead, Gone, Limited, Locked, Malformed, Outcome, Sent, Unsent
from opsloop_notifier.slack import SlackWeb

MESSAGE = Message("text", [], {"event_type": "x", "event_payload": {}})

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Misbehaving:
    """A server whose next answer is set; keeps what it was sent."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.paths: list[str] = []
        self.bodies: list[str] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.bodies.append(await request.text())
        assert self.answer is not None
        return await self.answer(request)


@pytest.fixture
async def server() -> AsyncIterator[Misbehaving]:
    misbehaving = Misbehaving()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", misbehaving.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    misbehaving.url = f"http://127.0.0.1:{port}/"
    yield misbehaving
    await runner.cleanup()


@pytest.fixture
async def counted() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def slack(server: Misbehaving, counted: list[tuple[str, str]]) -> AsyncIterator[SlackWeb]:
    timeout = aiohttp.ClientTimeout(total=0.5)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield SlackWeb(
            token="xoxb-test", api_url=f"{server.url}api/", session=session,
            count=lambda method, result, _: counted.append((method, result)),
        )  # fmt: skip


def says(body: object, status: int = 200, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def refuses(error: str, **more: object) -> Answer:
    return says({"ok": False, "error": error, **more})


async def resets(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hangs(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


async def writes_html(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>proxy</html>", content_type="text/html")


async def writes_half(_: web.Request) -> web.StreamResponse:
    return web.Response(text='{"ok": tr', content_type="application/json")


async def is_limited_at_the_edge(_: web.Request) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "3", "x-envoy-ratelimited": "true"})


OK = says({"ok": True, "channel": "C1", "ts": "1.1"})


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (OK, Sent("C1", "1.1")),
        (says({"ok": True}), Ambiguous("an answer without a timestamp")),
        (says({"ok": False, "error": "ratelimited"}, 429, **{"Retry-After": "7"}), Limited(7)),
        (is_limited_at_the_edge, Limited(3)),
        (refuses("message_limit_exceeded"), Limited(5)),
        (refuses("internal_error"), Ambiguous("internal_error")),
        (refuses("fatal_error"), Ambiguous("fatal_error")),
        (says({}, 503), Ambiguous("HTTP 503")),
        (resets, Ambiguous("ServerDisconnectedError")),
        (hangs, Ambiguous("TimeoutError")),
        (writes_html, Ambiguous("an unreadable answer (HTTP 200)")),
        (writes_half, Ambiguous("an unreadable answer (HTTP 200)")),
        (says([1]), Ambiguous("an unreadable answer")),
        (refuses("request_timeout"), Unsent("request_timeout")),
        (refuses("channel_not_found"), Dead("channel_not_found")),
        (refuses("something_new"), Dead("something_new")),
        (refuses("message_not_found"), Gone("message_not_found")),
        (refuses("invalid_auth"), Locked("invalid_auth")),
        (
            refuses("invalid_blocks", response_metadata={"messages": ["[json-pointer:/blocks/0]"]}),
            Malformed("invalid_blocks", "[json-pointer:/blocks/0]"),
        ),
    ],
)
async def test_an_answer_is_taken_for_what_it_is(
    server: Misbehaving, slack: SlackWeb, counted: list[tuple[str, str]], answer: Answer, outcome: Outcome
) -> None:
    """Every way Slack or the network answers a post, sent exactly once whatever happens."""
    server.answer = answer
    found = await slack.post("C1", "", MESSAGE)
    assert type(found) is type(outcome)
    if not isinstance(outcome, Ambiguous):
        assert found == outcome
    assert server.paths == ["/api/chat.postMessage"]
    assert counted == [("chat.postMessage", type(outcome).__name__)]


async def test_calls_are_timed_by_method(server: Misbehaving) -> None:
    """Fast, late and lost ones alike, each in its bucket; a response URL is one method whatever it is."""
    registry = CollectorRegistry()
    timeout = aiohttp.ClientTimeout(total=0.4)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        slack = SlackWeb(
            token="xoxb-test", api_url=f"{server.url}api/", session=session, count=Measures(registry).count
        )
        server.answer = OK
        await slack.post("C1", "", MESSAGE)
        await slack.respond(f"{server.url}secret/path", MESSAGE)
        server.answer = hangs
        await slack.post("C1", "", MESSAGE)

    def timed(method: str, bucket: str) -> float | None:
        return registry.get_sample_value("notifier_slack_call_seconds_bucket", {"method": method, "le": bucket})

    assert [timed("chat.postMessage", bucket) for bucket in ("0.3", "+Inf")] == [1, 2]
    assert timed("response_url", "+Inf") == 1
    assert "secret" not in generate_latest(registry).decode()


async def test_without_a_connection_nothing_was_sent(slack: SlackWeb) -> None:
    """A refused connection is not ambiguous."""
    async with aiohttp.ClientSession() as session:
        alone = SlackWeb(
            token="xoxb-test", api_url=f"http://127.0.0.1:{free_port()}/api/", session=session, count=lambda *_: None
        )
        assert isinstance(await alone.post("C1", "", MESSAGE), Unsent)


@pytest.mark.parametrize(
    "url", ["https://example.com/x", "http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/", "x", "//["]
)
async def test_a_response_url_of_another_host_is_not_called(server: Misbehaving, slack: SlackWeb, url: str) -> None:
    """A private answer goes to Slack or nowhere."""
    assert isinstance(await slack.respond(url, MESSAGE), Dead)
    assert server.paths == []


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, Sent), (404, Dead), (500, Ambiguous), (429, Limited), (302, Dead)]
)
async def test_a_response_url_is_called_once(
    server: Misbehaving, slack: SlackWeb, caplog: pytest.LogCaptureFixture, status: int, outcome: type[Outcome]
) -> None:
    """Whatever it answers; redirects are not followed, and the URL appears in no log."""
    caplog.set_level("DEBUG")
    server.answer = says({}, status, Location="/elsewhere")
    assert isinstance(await slack.respond(f"{server.url}response/secret-capability", MESSAGE), outcome)
    assert server.paths == ["/response/secret-capability"]
    assert '"response_type": "ephemeral"' in server.bodies[0]
    assert "secret-capability" not in "".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("aiohttp.access")
    )


async def test_a_reply_that_lost_its_thread_is_taken_away(slack: SlackWeb, server: Misbehaving) -> None:
    """Slack shows it as a message of its own when the parent is gone: it is deleted, and the thread counts as gone."""
    server.answer = says({"ok": True, "channel": "C1", "ts": "2.0", "message": {"text": "x"}})
    assert await slack.post("C1", "1.0", MESSAGE) == Gone("thread_not_found")
    server.answer = says({"ok": True, "channel": "C1", "ts": "2.0", "message": {"text": "x", "thread_ts": "1.0"}})
    assert await slack.post("C1", "1.0", MESSAGE) == Sent("C1", "2.0", "1.0")


async def test_whoever_may_be_thought_dead_shows_nothing(slack: SlackWeb, server: Misbehaving) -> None:
    """Not a call leaves; reading and asking who we are is still possible."""
    slack.may_send = lambda: False
    server.answer = says({"ok": True, "user": "opsloop", "bot_id": "B1", "channel": "C1", "ts": "1.0", "messages": []})
    assert isinstance(await slack.post("C1", "", MESSAGE), Unsent)
    assert isinstance(await slack.update("C1", "1.0", MESSAGE), Unsent)
    assert isinstance(await slack.delete("C1", "1.0"), Unsent)
    assert isinstance(await slack.ephemeral("C1", "U1", MESSAGE), Unsent)
    assert isinstance(await slack.respond(f"{server.url}r", MESSAGE), Unsent)
    assert not isinstance(await slack.identify(), Unsent)
    assert not isinstance(await slack.read("C1", "", 0, ""), Unsent)
