"""Whatever arrives is answered with a small status, and nothing bad reaches a stream."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.ingress import running, wire
from integration.ingress.running import NEW_SECRET, Running
from opsloop_ingress import body as body_module
from opsloop_ingress import intake, server
from opsloop_ingress.asked import Kind
from unit.ingress import slack
from waiting import until

ALLOWED = {200, 400, 401, 404, 405, 413, 415, 503}


class Recorder:
    """A bus that stores everything, and can be told to have a bug or to wait."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.bug: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def publish(
        self, subject: str, payload: bytes, *, message_id: str = "", deadline_seconds: float = 2.0
    ) -> int:
        if self.gate is not None:
            await self.gate.wait()
        if self.bug is not None:
            raise self.bug
        self.stored.append(message_id)
        return len(self.stored)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def ingress(recorder: Recorder) -> AsyncIterator[Running]:
    async with running.ingress(recorder) as started:
        yield started


HELP = slack.command("help")
DAY_SECONDS = 86_400
STALE, EARLY = str(int(time.time()) - DAY_SECONDS), str(int(time.time()) + DAY_SECONDS)


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"signature": ""}, 401, "signature_missing"),
        ({"timestamp": "", "signature": "v0=0"}, 401, "signature_missing"),
        ({"signature": "v0=" + "0" * 64}, 401, "signature_wrong"),
        ({"signature": "v0=é"}, 401, "signature_wrong"),
        ({"secret": "a-third-secret"}, 401, "signature_wrong"),
        ({"timestamp": STALE}, 401, "timestamp_stale"),
        ({"timestamp": EARLY}, 401, "timestamp_stale"),
        ({"timestamp": "+17"}, 401, "timestamp_malformed"),
        ({"timestamp": "１７"}, 401, "timestamp_malformed"),
        ({"timestamp": "9" * 400}, 401, "timestamp_malformed"),
        ({"content_type": "application/json"}, 415, "content_type"),
        ({"content_type": "text/plain"}, 415, "content_type"),
        ({"content_encoding": "gzip"}, 415, "content_encoding"),
    ],
)
async def test_unproven_requests(
    ingress: Running, recorder: Recorder, changes: dict[str, str], status: int, reason: str
) -> None:
    """A request that does not prove where it comes from is refused with an empty body, and counted."""
    answer = await ingress.send("command", HELP, **changes)
    assert (answer.status, answer.body) == (status, b"")
    assert ingress.counted("ingress_refused_total", reason=reason) == 1
    assert ingress.counted("ingress_requests_total", kind="command", outcome="refused") == 1
    assert recorder.stored == []


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
async def test_two_proofs(ingress: Running, recorder: Recorder, name: str) -> None:
    """Two signatures or two times are none, also when both are right."""
    headers = running.headers("command", HELP)
    again = [(key, value) for key, value in headers if key == name]
    answer = await wire.post(ingress.port, "/slack/commands", headers + again, HELP)
    assert answer.status == 401
    assert recorder.stored == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("command", b"command=/x&command=/y", 400),
        ("command", b"command=%ff", 400),
        ("command", b"text=%00", 400),
        ("command", slack.click(slack.button("task.retry")), 400),
        ("command", slack.command(team_id="T0EVIL"), 401),
        ("command", slack.command(api_app_id="A0EVIL"), 401),
        ("interaction", slack.command("help"), 400),
        ("interaction", slack.form({"payload": "{"}), 400),
        ("interaction", slack.form({"payload": '{"type":"block_actions","a":NaN}'}), 400),
        ("interaction", slack.form({"payload": '{"type":"block_actions","a":' + "9" * 5000 + "}"}), 400),
        ("interaction", slack.form({"payload": "[" * 50_000}), 400),
        ("interaction", slack.click(slack.button("task.retry"), team={"id": "T0EVIL"}), 401),
        ("interaction", slack.click(slack.button("task.retry"), api_app_id="A0EVIL"), 401),
        ("event", slack.event(team_id="T0EVIL"), 401),
        ("event", b'{"type":"a","type":"b"}', 400),
        ("event", b"[" * 200_000, 400),
        ("event", b"", 400),
    ],
)
async def test_signed_nonsense(ingress: Running, recorder: Recorder, kind: Kind, body: bytes, status: int) -> None:
    """A good signature does not make a bad or foreign body good."""
    assert (await ingress.send(kind, body)).status == status
    assert recorder.stored == []


async def test_rotation(ingress: Running, recorder: Recorder) -> None:
    """Requests signed with the old and with the new secret are both taken."""
    assert (await ingress.send("command", slack.command(trigger_id="1"))).status == 200
    assert (await ingress.send("command", slack.command(trigger_id="2"), secret=NEW_SECRET)).status == 200
    assert len(set(recorder.stored)) == 2


@pytest.mark.parametrize("kind", ["command", "interaction", "event"])
async def test_oversized(ingress: Running, recorder: Recorder, kind: Kind) -> None:
    """A body over the limit is refused, whether it says so in advance or not, and the sender sees it."""
    path, _ = running.PATHS[kind]
    body = b"a=" + b"x" * (300 * 1024)
    assert (await ingress.send(kind, body)).status == 413
    headers = wire.head(path, [*running.headers(kind, body), ("Transfer-Encoding", "chunked")])
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:1000], body[1000:])]
    assert (await wire.exchange(ingress.port, [headers, *chunks, b"0\r\n\r\n"])).status == 413
    assert recorder.stored == []


async def test_refused_in_the_middle_of_sending(ingress: Running) -> None:
    """A client that sends everything before it looks for an answer finds the refusal, not a broken connection."""
    body = slack.command("x" * 300_000)
    head = wire.head("/slack/commands", [*running.headers("command", body), ("Content-Length", str(len(body)))])
    parts = [head, *(body[start : start + 50_000] for start in range(0, len(body), 50_000))]
    assert (await wire.send_whole_then_read(ingress.port, parts, 0.02)).status == 413


async def test_signals_belong_to_the_runtime() -> None:
    """The HTTP server installs no signal handlers of its own."""
    before = signal.getsignal(signal.SIGTERM)
    async with running.ingress(None) as started:
        assert (await wire.get(started.port, "/healthz")).status == 200
        assert signal.getsignal(signal.SIGTERM) is before


async def test_slow_body(ingress: Running, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not hold a request open beyond the deadline."""
    monkeypatch.setattr(body_module.read, "__defaults__", (0.3,))
    head = wire.head("/slack/commands", [*running.headers("command", HELP), ("Content-Length", str(len(HELP)))])
    began = time.monotonic()
    answer = await wire.exchange(ingress.port, [head, *(HELP[i : i + 1] for i in range(len(HELP)))], 0.05)
    assert answer.status == 400
    assert time.monotonic() - began < 2
    assert recorder.stored == []


async def test_slow_headers(ingress: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers that never end, and a connection that says nothing, are closed."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    head = wire.head("/slack/commands", running.headers("command", HELP))
    began = time.monotonic()
    for parts in [[head[i : i + 1] for i in range(len(head))], []]:
        assert (await wire.exchange(ingress.port, parts, 0.05)).status == 0
    assert time.monotonic() - began < 3


async def test_truncated_body(ingress: Running, recorder: Recorder) -> None:
    """A sender that hangs up in the middle is counted, and nothing is stored."""
    head = wire.head("/slack/commands", [*running.headers("command", HELP), ("Content-Length", str(len(HELP)))])
    answer = await wire.exchange(ingress.port, [head + HELP[:20]], hang_up=True)
    assert answer.status in (0, 400)
    assert recorder.stored == []


async def test_other_paths_and_methods(ingress: Running) -> None:
    """Unknown paths and methods have their own answers, also with a slash too many."""
    assert (await wire.get(ingress.port, "/slack/commands")).status == 405
    assert (await ingress.send("command", HELP)).status == 200
    for path in ("/", "/slack/commands/", "/slack//commands", "/runs/x", "/%ff", "/../etc/passwd"):
        assert (await wire.post(ingress.port, path, running.headers("command", HELP), HELP)).status == 404
    assert (await wire.post(ingress.port, "/healthz", [], b"")).status == 405


async def test_what_asks_for_nothing(ingress: Running, recorder: Recorder) -> None:
    """Slack's own checks and events of no use are answered 200, counted, and reach no stream."""
    challenge = await ingress.send("event", slack.event("url_verification", challenge='a"b'))
    assert (challenge.status, challenge.body) == (200, b'{"challenge": "a\\"b"}')
    assert challenge.headers["content-type"] == "application/json"
    assert (await ingress.send("command", b"ssl_check=1&token=x")).status == 200
    assert (await ingress.send("event", slack.event())).status == 200
    assert ingress.counted("ingress_ignored_total", what="app_home_opened") == 1
    assert recorder.stored == []


async def test_unsigned_checks_are_refused(ingress: Running) -> None:
    """Neither ssl_check nor url_verification is answered to strangers."""
    assert (await ingress.send("command", b"ssl_check=1", signature="")).status == 401
    unsigned = await ingress.send("event", slack.event("url_verification", challenge="x"), signature="v0=1")
    assert (unsigned.status, unsigned.body) == (401, b"")


async def test_a_bug_is_a_503_without_secrets(
    ingress: Running, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in the handler is answered 503 and logged with its place, not with what it was given."""
    recorder.bug = ValueError("https://hooks.slack.com/secret")
    assert (await ingress.send("command", HELP)).status == 503
    assert "ValueError" in caplog.text
    assert "hooks.slack.com" not in caplog.text
    assert ingress.counted("ingress_requests_total", kind="command", outcome="broken") == 1
    recorder.bug = None
    assert (await ingress.send("command", HELP)).status == 200


async def test_refusals_do_not_log_what_was_sent(ingress: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A flood of refused requests leaves one line, without body, signature or secret."""
    caplog.set_level(logging.DEBUG)
    for _ in range(5):
        await ingress.send("command", slack.command("the-words-of-a-person"), signature="v0=forged")
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    for text in ("the-words-of-a-person", "v0=", slack.SIGNING_SECRET):
        assert text not in caplog.text


async def test_too_many_at_once(ingress: Running, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of requests in flight Slack is told to come back; the others are finished."""
    monkeypatch.setattr(intake, "MOST_IN_FLIGHT", 3)
    recorder.gate = asyncio.Event()
    sent = [asyncio.ensure_future(ingress.send("command", slack.command(trigger_id=f"{n}"))) for n in range(5)]
    done, waiting = await asyncio.wait(sent, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 2:
        more, waiting = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert more
        done |= more
    recorder.gate.set()
    assert [task.result().status for task in done] == [503, 503]
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [200, 200, 200]


def in_flight(started: Running) -> bool:
    return started.counted("ingress_requests_in_flight") == 1


async def test_shutdown_finishes_what_it_began(recorder: Recorder) -> None:
    """A request in flight is answered before the server ends, or told that it cannot be, within two seconds."""
    for opened, status in [(True, 200), (False, 503)]:
        recorder.gate = asyncio.Event()
        async with running.ingress(recorder) as started:
            request = asyncio.ensure_future(started.send("command", HELP))
            await until(partial(in_flight, started))
            if opened:
                asyncio.get_running_loop().call_later(0.3, recorder.gate.set)
            began = time.monotonic()
        assert time.monotonic() - began < 2
        assert (await request).status == status


async def test_probe(ingress: Running) -> None:
    """Health, readiness and metrics are on the same port."""
    assert (await wire.get(ingress.port, "/healthz")).status == 200
    assert (await wire.get(ingress.port, "/readyz")).status == 200
    await ingress.send("command", HELP)
    metrics = await wire.get(ingress.port, "/metrics")
    assert b'ingress_requests_total{kind="command",outcome="accepted"} 1.0' in metrics.body


@pytest.mark.parametrize("kind", ["command", "interaction", "event"])
def test_any_signed_body(kind: Kind) -> None:
    """Signed random bodies, whole or wrapped as a payload, are answered with one of our statuses."""

    async def send_all(bodies: list[bytes]) -> None:
        async with running.ingress(Recorder()) as started:
            for body in bodies:
                assert (await started.send(kind, body)).status in ALLOWED
            assert started.counted("ingress_requests_total", kind=kind, outcome="broken") == 0

    text = st.text(max_size=60).map(lambda found: found.encode("utf-8", "replace"))
    payload = text.map(lambda found: slack.form({"payload": found.decode()}))

    @settings(max_examples=10, deadline=None)
    @given(st.lists(st.binary(max_size=100) | text | payload, min_size=5, max_size=20))
    def check(bodies: list[bytes]) -> None:
        asyncio.run(send_all(bodies))

    check()
