"""Forms as Slack takes them."""

import pytest
from msgspec.structs import replace

from opsloop_common import codec
from opsloop_common.catalogue import TaskType
from opsloop_common.forms import FormOpen
from opsloop_common.params import Param
from opsloop_common.signing import verify
from opsloop_common.task import Target
from opsloop_notifier import form
from opsloop_notifier.message import Block
from opsloop_sandbox.view_rules import check_view
from unit.notifier.states import ALICE, ANSWER_ID, HERE, SECRETS, STYLE, TOKEN, texts

ASKED = FormOpen(
    trigger_id="123.456.a-capability", task="ugc_audit", actor=ALICE, conversation=HERE, target="naples-honda"
)
TARGET = Target(name="naples-honda", title="Naples Honda")
DAYS = Param(title="Days", kind="number", default="30", minimum=1, maximum=365)
DEPTH = Param(title="Depth", kind="choice", choices=("quick", "full"), default="quick", hint="How thorough")
NOTE = Param(title="Note")
HOSTILE = "<!channel> & <@U0BOB> *x* \x00 " + "é" * 4000


def task(title: str = "Run UGC Audit", **params: Param) -> TaskType:
    return TaskType(name="ugc_audit", title=title, description="Reads reviews.", params=params)


def drawn(kind: TaskType, asked: FormOpen = ASKED) -> Block:
    """The form; fails where Slack would refuse it."""
    view = form.modal(asked, kind, TARGET, STYLE)
    assert check_view(view, "modal") == []
    return view


def fields(view: Block) -> dict[str, Block]:
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    return {block["block_id"]: block for block in blocks if block["type"] == "input"}


def element(param: Param) -> Block:
    found = fields(drawn(task(value=param)))["value"]["element"]
    assert isinstance(found, dict)
    return found


def test_a_field_for_each_parameter() -> None:
    """Named by it, with its title and hint; one with a default may be left empty. The target is named above."""
    view = drawn(task(days=DAYS, depth=DEPTH, note=NOTE))
    found = fields(view)
    assert list(found) == ["days", "depth", "note"]
    assert [block["optional"] for block in found.values()] == [True, True, False]
    assert {"Days", "Depth", "How thorough", "*Naples Honda*\nReads reviews."} <= set(texts(view))
    assert view["callback_id"] == "params.ugc_audit"


def test_numbers() -> None:
    """With the bounds that the catalogue names, and without an exponent."""
    found = element(DAYS)
    assert (found["type"], found["min_value"], found["max_value"]) == ("number_input", "1", "365")
    assert (found["initial_value"], found["is_decimal_allowed"]) == ("30", True)
    tiny = element(Param(title="x", kind="number", default="1e-5", maximum=1e20))
    assert (tiny["initial_value"], tiny["max_value"], "min_value" in tiny) == (
        "0.00001",
        "100000000000000000000",
        False,
    )


def test_choices() -> None:
    """One of them, the default chosen."""
    found = element(DEPTH)
    options = found["options"]
    assert isinstance(options, list)
    assert [option["value"] for option in options] == ["quick", "full"]
    assert found["initial_option"] == options[0]


@pytest.mark.parametrize("choices", [("x" * 151, "y"), tuple(map(str, range(101))), ("", "y"), ()])
def test_choices_no_select_takes(choices: tuple[str, ...]) -> None:
    """Too many or too long for Slack: typed instead, with the default in place."""
    found = element(Param(title="x", kind="choice", choices=choices, default="y"))
    assert (found["type"], found["initial_value"]) == ("plain_text_input", "y")


def test_text() -> None:
    """As long as a value may be."""
    assert element(NOTE) == {"action_id": "value", "type": "plain_text_input", "max_length": 500}


def test_hostile_text_fits_and_means_nothing() -> None:
    """Whatever the catalogue and the person wrote: within Slack's limits, and no control sequence of it is left."""
    param = Param(title=HOSTILE, hint=HOSTILE, kind="choice", choices=("a & <b>", "c" * 150), default="")
    view = form.modal(
        replace(ASKED, target=HOSTILE[:200]),
        replace(task(HOSTILE, value=param, text=replace(param, kind="text", default=HOSTILE)), description=HOSTILE),
        Target(name="x", title=f"{HOSTILE}{TOKEN}"),
        STYLE,
    )
    assert check_view(view, "modal") == []
    for text in texts(view):
        assert "<!channel>" not in text
        assert "<@U0BOB>" not in text


def test_what_comes_back_is_signed() -> None:
    """It says what the form was opened for, and not with which trigger; the longest of it fits."""
    asked = replace(ASKED, target="\x01" * 200, card=ANSWER_ID)
    metadata = str(drawn(task(note=NOTE), asked)["private_metadata"])
    signature, _, text = metadata.partition(".")
    assert verify(SECRETS, "form", text, signature)
    assert codec.decode(text, FormOpen) == replace(asked, trigger_id="")
    assert "a-capability" not in metadata
    assert len(metadata) <= 3000
