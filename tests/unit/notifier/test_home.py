"""The app's own page, as Slack takes it."""

import msgspec
import pytest

from opsloop_common import buttons
from opsloop_common.answers import HelpBody, HomeBody, TaskRow
from opsloop_common.buttons import Pointer
from opsloop_common.events import Status
from opsloop_common.people import Person
from opsloop_notifier import home
from opsloop_notifier.home import NotHome
from opsloop_notifier.message import Block
from opsloop_sandbox.view_rules import check_view
from unit.notifier.states import ALICE, SECRETS, START, STYLE, TASK_ID, TOKEN, answer, texts

HOSTILE = "<!channel> & <@U0BOB> *x* `y` \x00\ud800 " + "é" * 4000


def row(status: Status = "running", **changes: object) -> TaskRow:
    plain = TaskRow(
        id=TASK_ID, task="schema_fix", target="naples-honda", status=status, by=ALICE, at=START, sequence=9
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def drawn(open: tuple[TaskRow, ...] = (), ended: tuple[TaskRow, ...] = (), command: str = "/dealershipai") -> Block:
    """The page; fails where Slack would refuse it."""
    view = home.page(answer(HomeBody(command=command, open=open, ended=ended), "home"), STYLE)
    assert check_view(view, "home") == []
    return view


def said(view: Block) -> str:
    return "\n".join(texts(view))


def actions(view: Block) -> list[list[str]]:
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    rows = [block["elements"] for block in blocks if block["type"] == "actions"]
    return [[str(element["action_id"]) for element in elements] for elements in rows]


def test_nothing_yet() -> None:
    """The page says what to type."""
    text = said(drawn())
    assert "None of your tasks is running or waiting." in text
    assert "`/dealershipai status &lt;dealer&gt;`" in text


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (row("queued"), ["task.cancel", "task.tail"]),
        (row("running"), ["task.cancel", "task.tail"]),
        (row("running", cancelling=True), ["task.tail"]),
        (row("failed"), ["task.retry", "task.tail"]),
        (row("succeeded"), ["task.tail"]),
        (row("cancelled"), ["task.tail"]),
        (row("unknown"), ["task.tail"]),
    ],
)
def test_buttons_of_a_task(found: TaskRow, expected: list[str]) -> None:
    """What can still be done about it, and nothing else."""
    is_open = found.status in ("queued", "running")
    assert actions(drawn((found,)) if is_open else drawn((), (found,))) == [expected]


def test_buttons_point_to_what_they_were_drawn_from() -> None:
    """Signed: the task and the sequence of its state."""
    [logs] = [element for block in _blocks(drawn((), (row("succeeded"),))) for element in block.get("elements", [])][:1]
    assert buttons.read(SECRETS, logs["value"]) == Pointer(TASK_ID, 9)


def _blocks(view: Block) -> list[dict[str, list[dict[str, str]]]]:
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    return [block for block in blocks if block["type"] == "actions"]


def test_a_task_says_what_and_when() -> None:
    """Its sign, name, target, status, attempt and time; its own person goes without saying, another does not."""
    text = said(drawn((row(attempt=2),)))
    for part in ("▶️", "schema_fix", "naples-honda", "running", "attempt 2", f"<!date^{int(START.timestamp())}^"):
        assert part in text
    assert "U0" not in text
    assert "U0BOB" in said(drawn((row(by=Person("T0OPSLOOP", "U0BOB")),)))


def test_many_tasks() -> None:
    """Within a hundred blocks, whatever comes; how many are left out is said."""
    view = drawn(tuple(row() for _ in range(70)), tuple(row("failed") for _ in range(70)))
    assert said(view).count("And 50 more") == 2
    assert len(actions(view)) == 40


def test_hostile_text_fits_and_means_nothing() -> None:
    """Names of others are text, cut to size, without what Slack would follow and without our token."""
    hostile = row(task=HOSTILE, target=f"{TOKEN}{HOSTILE}")
    text = said(drawn((hostile,) * 20, (msgspec.structs.replace(hostile, status="failed"),) * 20, command=HOSTILE))
    for part in ("<!channel>", "<@U0BOB>", "*x*", TOKEN):
        assert part not in text


def test_another_answer_is_no_page() -> None:
    """It is refused instead of drawn as something else."""
    with pytest.raises(NotHome):
        home.page(answer(HelpBody(command="/x", offers=(), targets=()), "home"), STYLE)
