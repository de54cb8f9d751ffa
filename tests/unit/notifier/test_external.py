"""The card of another system's task."""

from datetime import UTC, datetime

from msgspec.structs import replace

from opsloop_common.events import TaskState
from opsloop_common.external import External, Link, OwnButton
from opsloop_common.people import Conversation, Person
from opsloop_common.redact import Redactor
from opsloop_notifier import people, render, view
from opsloop_notifier.message import Message
from opsloop_notifier.mrkdwn import Pen
from opsloop_notifier.style import Style

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STYLE = Style(("a-secret-of-the-test",), Pen(Redactor(())))
EXTERNAL = External(
    publisher="ci", task_id="b7", title="Build <!channel>", seen_at=NOW, silent_at=NOW, gone_at=NOW, owner="*alice*",
    links=(Link("a|b>", "https://ci.example/?a=1&b=2"),), buttons=(OwnButton("stop", "Stop & <go>", "danger"),),
)  # fmt: skip
TASK = TaskState(
    id="07-aaaaaaaaaaaaaaaaaaaa", task="ci", target="", title="Builds", conversation=Conversation("T0", "C0"),
    requested_by=Person("T0", ""), requested_at=NOW, status="running", percent=40, external=EXTERNAL,
)  # fmt: skip


def card(task: TaskState) -> Message:
    return render.task_card(task, 9, key="k", version="v", names={"": "nobody"}, style=STYLE, links={})


def test_it_says_what_and_whose_it_is_and_nothing_is_interpreted() -> None:
    """Title, publisher, owner, links with escaped addresses; no target, no person."""
    message = card(TASK)
    assert message.text == "Build &lt;!channel&gt; (ci): ▶️ Running (40%)"
    shown = str(message.blocks)
    assert "*Build &lt;!channel&gt;*\\n" in shown
    assert "<https://ci.example/?a=1&amp;b=2|a|b&gt;>" in shown
    assert "Reported by Builds · for ∗alice∗" in shown
    assert "nobody" not in shown


def test_it_has_its_publishers_buttons_and_none_of_ours_but_the_log() -> None:
    """Nothing of it runs here."""
    for task in (TASK, replace(TASK, status="unknown")):
        actions = next(block for block in card(task).blocks if block["type"] == "actions")
        elements = actions["elements"]
        assert isinstance(elements, list)
        assert [one["action_id"] for one in elements] == ["ext.1", "task.tail"]
        assert elements[0]["style"] == "danger"
        assert elements[0]["text"]["text"] == "Stop &amp; &lt;go&gt;"


def test_silence_is_told_running_or_queued() -> None:
    """With how long at least."""
    for status in ("running", "queued"):
        silent = replace(TASK, status=status, silent_since=NOW, silent_seconds=300.0)
        assert "no sign of life for more than 5 min" in card(silent).text


def test_it_calls_nobody() -> None:
    """There is no person behind it whom we know."""
    assert not view.mentions(replace(TASK, status="failed"))
    assert people.named_in(TASK) == set()
