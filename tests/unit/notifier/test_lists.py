"""Lists of dealers and tasks, one task, and one number, as the person who asked sees them."""

from datetime import timedelta

import pytest
from hypothesis import given, settings

from opsloop_common.answers import MetricBody, TargetRow, TargetsBody, TaskBody, TaskRow, TasksBody
from opsloop_common.measures import Trend
from opsloop_common.people import Person
from opsloop_notifier import rows
from unit.notifier import states
from unit.notifier.states import HOSTILE, NAMES, STYLE, row, told

LINK = "https://slack.example/p1"
ENDED_ROW = row(status="succeeded", at=states.START - timedelta(minutes=5))


@pytest.mark.parametrize(
    ("found", "begins"),
    [
        (row(), "▶️ *schema_fix* for *naples-honda* – running, started by Bob · <!date^"),
        (row(cancelling=True), "🛑 *schema_fix* for *naples-honda* – being cancelled, started by Bob"),
        (row(status="failed", attempt=2), "❌ *schema_fix* for *naples-honda* · attempt 2 – failed, started by Bob"),
        (row(by=Person("T0OPSLOOP", "U0X")), "▶️ *schema_fix* for *naples-honda* – running · <"),
    ],
)
def test_a_row_says_what_where_and_who(found: TaskRow, begins: str) -> None:
    """Sign, task, target, state, and who started it, if the name is known."""
    shown = rows.row(found, NAMES, STYLE)
    assert shown.startswith(begins)
    assert shown.endswith(f" · `{states.TASK_ID}`")


def test_a_row_leads_to_the_card_where_there_is_one() -> None:
    """The link stands at the end."""
    assert rows.row(row(), NAMES, STYLE, LINK).endswith(f"` · <{LINK}|open>")


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (TargetRow(target="a", title="A"), "⚪ *a* – nothing was run yet"),
        (TargetRow(target="a", title="A", newest=ENDED_ROW), "✅ *a* – schema_fix completed 5 min ago"),
        (
            TargetRow(target="a", title="A", running=1, queued=2, newest=row(status="queued")),
            "▶️ *a* – 1 running, 2 queued · newest: schema_fix",
        ),
        (
            TargetRow(target="a", title="A", queued=1, newest=ENDED_ROW),
            "⏳ *a* – 1 queued · schema_fix completed 5 min ago",
        ),
    ],
)
def test_every_dealer_has_its_state(found: TargetRow, shown: str) -> None:
    """What goes on there, else what went on last, with a sign."""
    assert shown in states.check(told(TargetsBody(command="/d", rows=(found,)))).splitlines()


def test_tasks_are_told_in_three_groups() -> None:
    """Running, queued and ended, each with its count; rows lead to their cards."""
    body = TasksBody(command="/d", running=(row(),), ended=(ENDED_ROW, row(id="07-z", status="failed")))
    lines = told(body, links={states.TASK_ID: LINK}).text.splitlines()
    assert [line for line in lines if line.startswith("*")] == ["*Running*: 1", "*Queued*: none", "*Ended lately*: 2"]
    assert lines[1].endswith(f"<{LINK}|open>")
    assert lines[-1].endswith("`07-z`")


def test_no_tasks_at_all_is_a_sentence() -> None:
    """Three empty lists say nothing."""
    said = states.check(told(TasksBody(command="/d", target="naples-honda")))
    assert "No task for *naples-honda* is running or waiting" in said


def test_a_long_list_goes_over_several_blocks() -> None:
    """Every row is shown whole, however many there are."""
    body = TasksBody(command="/d", running=(row(),) * 15, queued=(row(),) * 15, ended=(ENDED_ROW,) * 10)
    message = told(body, links={states.TASK_ID: f"https://slack.example/{'p' * 90}"})
    states.check(message)
    assert "\n".join(states.texts(message.blocks)).count("|open>") == 40


def test_one_task_is_told_with_how_far_it_is() -> None:
    """The row, the bar, what it said, the way to its card."""
    said = told(TaskBody(row=row(), percent=60, said="Half <done>"), links={states.TASK_ID: LINK}).text
    assert said.splitlines()[1:] == ["██████░░░░ 60%", "Half &lt;done&gt;"]
    assert f"<{LINK}|open>" in said


def test_a_number_is_told_with_its_course() -> None:
    """The value now, and the drawing below it; without a course, the value alone."""
    trend = Trend(title="ARR", unit="usd", values=(1.0, 8.0), begins_at=states.START, ends_at=states.ENDED)
    found = states.measure(at=states.START)
    body = MetricBody(target="naples-honda", title="Naples Honda", measure=found, trend=trend)
    lines = told(body).text.splitlines()
    assert lines[:2] == ["*ARR Gain (1h)* of *Naples Honda*: $4,820.11", "`▁█`"]
    assert lines[2].startswith("first $1.00")
    bare = MetricBody(target="naples-honda", title="", measure=states.measure(state="no_data"))
    assert told(bare).text == "*ARR Gain (1h)* of *naples-honda*: no data"


@settings(deadline=None, max_examples=40)
@given(HOSTILE)
def test_no_list_repeats_what_slack_would_interpret(text: str) -> None:
    """However long and whatever is in it, Slack takes it and no `<` of it survives."""
    found = row(id=text, task=text, target=text)
    target = TargetRow(target=text, title=text, running=1, queued=9, newest=found)
    trend = Trend(title=text, unit="usd", values=(1.0, 2.0), begins_at=states.START, ends_at=states.ENDED)
    number = states.measure(title=text, at=states.START)
    for body in (
        TargetsBody(command=text, rows=(target,) * 90),
        TasksBody(command=text, target=text, running=(found,) * 15, queued=(found,) * 15, ended=(found,) * 10),
        TaskBody(row=found, percent=7, said=text),
        MetricBody(target=text, title=text, measure=number, trend=trend),
    ):
        assert "<" not in states.check(told(body)).replace("<!date^", "")
