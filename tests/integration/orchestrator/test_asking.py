"""What handlers are told, what lists say, and the page of a person."""

from integration.orchestrator.loop import ALICE, BOB, Loop, eventually
from integration.orchestrator.serving import courses, serving, values
from opsloop_common import codec
from opsloop_common.answers import (
    AnswerState,
    HomeBody,
    MetricBody,
    ParamProblem,
    RefusedBody,
    TargetsBody,
    TaskBody,
    TasksBody,
)
from opsloop_common.bus import Bus
from opsloop_common.commands import CountClick, ShowHome, ShowMetric, ShowTargets, ShowTask, ShowTasks
from opsloop_common.people import Conversation
from opsloop_common.subjects import Subjects
from opsloop_orchestrator.homes import home_id


async def test_a_handler_asks_for_numbers_and_for_what_an_earlier_run_found(
    bus: Bus, subjects: Subjects, loop: Loop
) -> None:
    """Parameters and settings come with it; figures that cannot be exported are left out."""
    async with serving(bus, values(subjects, lambda: 12.5), courses(subjects, [1.0, 2.0, 3.0])):
        await loop.ended(await loop.run("steady"))

        # The list of runs follows the events.
        async def listed() -> bool | None:
            body = await tasks(loop)
            return True if any(row.status == "succeeded" for row in body.ended) else None

        await eventually(listed)
        state, _ = await loop.ended(await loop.run("asking", params={"days": " 7 "}))
    assert state.result is not None
    assert state.result.summary == "7 3 12.5 3"
    assert state.result.highlights == ("{'seen': 'yes'}", "no_data")
    assert state.result.figures == {"score": 12.5}
    assert [one.value for one in (*state.before, *state.measures)] == [12.5, 12.5]


async def test_the_numbers_before_are_those_of_the_beginning(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """Sampled as the attempt starts and as it ends."""
    numbers = iter([1.0, 2.0, *[2.0] * 10])
    async with serving(bus, values(subjects, lambda: next(numbers))):
        state, _ = await loop.ended(await loop.run("steady"))
    assert [one.value for one in state.before] == [1.0]
    assert [one.value for one in state.measures] == [2.0]


async def test_parameters_that_do_not_fit_are_all_named(loop: Loop) -> None:
    """Nothing is started."""
    answer = await loop.answer(await loop.run("asking", params={"days": "many", "weeks": "1"}))
    assert isinstance(answer.body, RefusedBody)
    assert answer.body.reason == "bad_params"
    assert answer.body.problems == (
        ParamProblem("weeks", "There is no parameter weeks. Known are days."),
        ParamProblem("days", "A number from 1 to 90, not “many”."),
    )


async def test_lists_name_what_runs_what_waits_and_what_ended(loop: Loop) -> None:
    """Of one target or of all; a target's row says how many tasks are open there."""
    done = await loop.run("steady", "tampa")
    await loop.ended(done)
    running = await loop.run("patient")
    _, sequence = await loop.status(running, "running")
    waiting = await loop.run("steady")

    async def complete() -> TasksBody | None:
        body = await tasks(loop)
        return body if body.running and body.queued and body.ended else None

    body = await eventually(complete)
    assert [[row.id for row in rows] for rows in (body.running, body.queued, body.ended)] == [
        [running],
        [waiting],
        [done],
    ]
    assert not (await tasks(loop, "tampa")).running
    targets = await loop.answer(await loop.ask(ShowTargets(**loop.common())))  # type: ignore[arg-type]
    assert isinstance(targets.body, TargetsBody)
    assert [(row.target, row.running, row.queued) for row in targets.body.rows] == [("naples", 1, 1), ("tampa", 0, 0)]
    one = await loop.answer(await loop.ask(ShowTask(task_id=done, **loop.common())))  # type: ignore[arg-type]
    assert isinstance(one.body, TaskBody)
    assert (one.body.row.id, one.body.percent, one.body.said) == (done, 100, "4 steps done")
    await loop.cancel(running, sequence)
    await loop.ended(waiting)


async def test_an_id_nobody_knows_is_named(loop: Loop) -> None:
    """Whatever was typed."""
    for typed in ("07-aaaaaaaaaaaaaaaaaaaa", "; drop > *", ""):
        answer = await loop.answer(await loop.ask(ShowTask(task_id=typed, **loop.common())))  # type: ignore[arg-type]
        assert isinstance(answer.body, RefusedBody)
        assert (answer.body.reason, answer.body.given) == ("no_such_task", typed)


async def test_a_metric_is_answered_with_its_course(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """The value now and what it did; without anybody to ask, that is said."""
    async with serving(bus, values(subjects, lambda: 12.5), courses(subjects, [1.0, 2.0, 3.0])):
        answer = await loop.answer(await loop.ask(ShowMetric(metric="gain", target="naples", **loop.common())))  # type: ignore[arg-type]
    assert isinstance(answer.body, MetricBody)
    assert (answer.body.measure.value, answer.body.trend and answer.body.trend.values) == (12.5, (1.0, 2.0, 3.0))
    answer = await loop.answer(await loop.ask(ShowMetric(metric="gain", target="naples", **loop.common())))  # type: ignore[arg-type]
    assert isinstance(answer.body, MetricBody)
    assert (answer.body.measure.state, answer.body.trend) == ("unavailable", None)


async def test_the_page_of_a_person_follows_their_tasks(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """Opened once, it shows what runs and what ended, of that person alone, and its buttons work."""
    page = Conversation("T1", ALICE.user)
    await loop.ask(ShowHome(**(loop.common() | {"conversation": page})))  # type: ignore[arg-type]

    async def shown() -> AnswerState | None:
        stored = await bus.last(subjects.stream("EVT"), subjects.events_of(home_id(ALICE)))
        state = codec.decode_event(stored.data).data if stored else None
        return state if isinstance(state, AnswerState) else None

    first = await eventually(shown)
    assert (first.visibility, first.to, first.body) == ("home", ALICE, HomeBody(command="/opsloop"))
    await loop.ended(await loop.run("steady", "tampa", actor=BOB))
    id = await loop.run("patient")

    async def runs() -> int | None:
        state = await eventually(shown)
        assert isinstance(state.body, HomeBody)
        found = [row.sequence for row in state.body.open if row.id == id and row.status == "running"]
        return found[0] if found else None

    drawn_at = await eventually(runs)
    await loop.cancel(id, drawn_at, conversation=page)
    await loop.ended(id)

    async def ended() -> HomeBody | None:
        state = await eventually(shown)
        assert isinstance(state.body, HomeBody)
        return state.body if state.body.ended else None

    body = await eventually(ended)
    assert (body.open, [row.id for row in body.ended]) == ((), [id])


async def test_a_counted_click_asks_for_nothing(bus: Bus, subjects: Subjects, loop: Loop) -> None:
    """It leaves no event."""
    id = await loop.ask(CountClick(action="task.grafana", **loop.common()))  # type: ignore[arg-type]
    await loop.ended(await loop.run("steady"))
    assert await bus.last(subjects.stream("EVT"), subjects.events_of(id)) is None


async def tasks(loop: Loop, target: str = "") -> TasksBody:
    answer = await loop.answer(await loop.ask(ShowTasks(target=target, **loop.common())))  # type: ignore[arg-type]
    assert isinstance(answer.body, TasksBody)
    return answer.body
