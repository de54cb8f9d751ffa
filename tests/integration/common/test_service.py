"""Questions and answers over a real broker."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from broker import NatsServer
from opsloop_common.bus import Bus
from opsloop_common.service import BadRequest, Endpoint, QuestionSeries, Unanswered, endpoint, request, serve
from waiting import until

SUBJECT = "ops.q.test.echo"


class Question(msgspec.Struct, frozen=True):
    text: str


class Reply(msgspec.Struct, frozen=True):
    text: str


class Service:
    """Answers as the question says; counts how many it has in hand."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.go = asyncio.Event()
        self.registry = CollectorRegistry()

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"subject": SUBJECT, **labels}) or 0.0

    async def answer(self, question: Question) -> Reply:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            match question.text:
                case "wait":
                    await self.go.wait()
                case "bug":
                    raise RuntimeError("the password is hunter2")
                case "bad":
                    raise BadRequest("two\r\nlines: é")
                case "large":
                    return Reply("x" * 2_000_000)
            return Reply(question.text)
        finally:
            self.now -= 1


@pytest.fixture
async def service(bus: Bus) -> AsyncIterator[Service]:
    """A service that answers, three questions at once."""
    found = Service()
    async with served(bus, found):
        yield found


@contextlib.asynccontextmanager
async def served(bus: Bus, service: Service) -> AsyncIterator[None]:
    endpoints: tuple[Endpoint, ...] = (endpoint("echo", SUBJECT, Question, service.answer),)
    serving = asyncio.create_task(
        serve(
            bus, name="test", version="1.2.3", description="For tests", endpoints=endpoints, at_once=3,
            series=QuestionSeries(service.registry),
        )
    )  # fmt: skip
    try:
        await answering(bus)
        yield
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def answering(bus: Bus, seconds: float = 10) -> None:
    """Returns when a question is answered; fails when none is within the deadline."""
    async with asyncio.timeout(seconds):
        while True:
            if await code_of(bus, "hello", 0.5) is None:
                return
            await asyncio.sleep(0.01)


async def ask(bus: Bus, text: str, deadline_seconds: float = 2) -> Reply:
    return await request(bus, SUBJECT, Question(text), Reply, deadline_seconds)


async def code_of(bus: Bus, text: str, deadline_seconds: float = 2) -> str | None:
    """The code of the refusal; None for an answer."""
    try:
        await ask(bus, text, deadline_seconds)
    except Unanswered as error:
        return error.code
    return None


async def test_a_question_is_answered(service: Service, bus: Bus) -> None:
    """The struct goes there and the answer's comes back."""
    assert await ask(bus, "é") == Reply("é")


async def test_it_is_seen_by_the_broker_s_own_tools(service: Service, bus: Bus) -> None:
    """`nats micro ls` and `nats micro info` ask these subjects."""
    ping = await bus.client.request("$SRV.PING", b"", timeout=2)
    info = await bus.client.request("$SRV.INFO.test", b"", timeout=2)
    assert msgspec.json.decode(ping.data)["name"] == "test"
    found = msgspec.json.decode(info.data)
    assert (found["version"], found["description"]) == ("1.2.3", "For tests")
    assert [(one["name"], one["subject"]) for one in found["endpoints"]] == [("echo", SUBJECT)]


async def test_a_slow_question_holds_up_no_other(service: Service, bus: Bus) -> None:
    """Three are in hand at once; the fourth and fifth wait their turn and are answered as well."""
    waiting = [asyncio.create_task(ask(bus, "wait")) for _ in range(2)]
    await until(lambda: service.now == 2)
    assert await ask(bus, "quick") == Reply("quick")
    waiting += [asyncio.create_task(ask(bus, "wait")) for _ in range(3)]
    await until(lambda: service.now == 3)
    service.go.set()
    assert await asyncio.gather(*waiting) == [Reply("wait")] * 5
    assert service.most == 3


async def test_a_bug_is_500_without_its_details(service: Service, bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asked learns nothing of the exception; the log has it; the next question is answered."""
    with caplog.at_level(logging.ERROR), pytest.raises(Unanswered) as refused:
        await ask(bus, "bug")
    assert (refused.value.code, refused.value.text) == ("500", "internal error")
    assert "hunter2" in caplog.text
    assert await ask(bus, "next") == Reply("next")


async def test_a_wrong_question_is_400_with_one_line(service: Service, bus: Bus) -> None:
    """What the handler refuses and what is no such struct; a line's end cannot make another header."""
    with pytest.raises(Unanswered) as refused:
        await ask(bus, "bad")
    assert (refused.value.code, refused.value.text) == ("400", "two lines: \\xe9")
    with pytest.raises(Unanswered) as refused:
        await request(bus, SUBJECT, msgspec.Raw(b'{"text":1}'), Reply, 2)
    assert refused.value.code == "400"
    assert refused.value.text.startswith("not a Question: Expected `str`, got `int`")


async def test_an_answer_the_broker_does_not_take_is_500(service: Service, bus: Bus) -> None:
    """Instead of silence."""
    assert await code_of(bus, "large") == "500"


async def test_a_message_that_wants_no_answer_stops_nothing(service: Service, bus: Bus) -> None:
    """A publish where a question belongs."""
    await bus.client.publish(SUBJECT, b'{"text":"bug"}')
    await bus.client.publish(SUBJECT, b'{"text":"x"}')
    await bus.client.publish(SUBJECT, b"{")
    assert await ask(bus, "next") == Reply("next")


async def test_what_is_not_answered_is_one_exception(service: Service, bus: Bus, nats_server: NatsServer) -> None:
    """Nobody there, too late, another answer than expected, no broker: `Unanswered` with a code."""
    with pytest.raises(Unanswered) as nobody:
        await request(bus, "ops.q.test.other", Question("x"), Reply, 2)
    assert nobody.value.code == "no_responders"
    assert await code_of(bus, "wait", 0.1) == "timeout"
    with pytest.raises(Unanswered) as unreadable:
        await request(bus, SUBJECT, Question("x"), Other, 2)
    assert unreadable.value.code == "unreadable"
    nats_server.kill()
    await until(lambda: not bus.is_connected)
    assert await code_of(bus, "x", 0.5) in ("disconnected", "timeout")


class Other(msgspec.Struct):
    number: int


async def test_it_answers_again_after_the_broker_s_restart(service: Service, bus: Bus, nats_server: NatsServer) -> None:
    """Nothing needs to be started anew."""
    nats_server.kill()
    await until(lambda: not bus.is_connected)
    nats_server.start()
    await answering(bus)


async def test_replicas_share(bus: Bus, service: Service, nats_server: NatsServer) -> None:
    """A question goes to one of them."""
    other_bus, other = await Bus.connect(nats_server.url, "other"), Service()
    async with served(other_bus, other):
        # The second one is there from some moment on; until then the first answers alone.
        for _ in range(50):
            await asyncio.gather(*(ask(bus, "x") for _ in range(10)))
            if min(service.most, other.most) > 0:
                break
        assert min(service.most, other.most) > 0
    await other_bus.close()
    assert await ask(bus, "still") == Reply("still")


async def test_on_its_way_out_it_finishes_what_it_has(bus: Bus) -> None:
    """A question in hand is answered although no new one is taken."""
    leaving = Service()
    async with served(bus, leaving):
        asking = asyncio.create_task(ask(bus, "wait"))
        await until(lambda: leaving.now == 1)
        leaving.go.set()
    assert await asking == Reply("wait")
    assert await code_of(bus, "x") == "no_responders"


async def test_questions_are_counted_and_timed(service: Service, bus: Bus) -> None:
    """By subject and by what became of them; how long they took counts their wait for a turn, whatever the outcome."""
    before = service.counted("opsloop_questions_total", outcome="answered")
    assert await ask(bus, "hello") == Reply("hello")
    for text in ("bad", "bug", "large"):
        assert await code_of(bus, text) in ("400", "500")
    counted = {
        outcome: service.counted("opsloop_questions_total", outcome=outcome)
        for outcome in ("answered", "bad_request", "failed")
    }
    assert counted == {"answered": before + 1, "bad_request": 1, "failed": 2}
    assert service.counted("opsloop_question_seconds_count") == before + 4

    waiting = [asyncio.create_task(ask(bus, "wait")) for _ in range(4)]
    await until(lambda: service.now == 3)
    # The fourth has no turn before the others are answered.
    waits_until = asyncio.get_running_loop().time() + 0.3
    await until(lambda: asyncio.get_running_loop().time() > waits_until)
    quick = service.counted("opsloop_question_seconds_bucket", le="0.25")
    service.go.set()
    await asyncio.gather(*waiting)
    await until(lambda: service.counted("opsloop_question_seconds_count") == before + 8)
    assert service.counted("opsloop_question_seconds_bucket", le="0.25") == quick
