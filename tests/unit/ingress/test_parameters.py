"""Forms: when one is wanted, and what comes back from it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from opsloop_common import codec
from opsloop_common.buttons import Pointer
from opsloop_common.commands import ExplainButton, RunTask
from opsloop_common.forms import FormOpen
from opsloop_common.people import Conversation, Person
from opsloop_common.signing import sign
from opsloop_ingress import decode
from opsloop_ingress.asked import Asked, Decoded, FormWanted, Ignored, Submitted
from opsloop_ingress.refusal import Refused
from unit.ingress import slack
from unit.ingress.slack import ASKED_AT, BUTTON_SECRET, TASK

RULES = replace(slack.RULES, forms=frozenset({"ugc_audit"}), targets=frozenset({"naples-honda"}))
HERE = Conversation("T0OPSLOOP", "C0OPS")
ALICE = Person("T0OPSLOOP", "U0ALICE")
FORM = FormOpen(trigger_id="", task="ugc_audit", actor=ALICE, conversation=HERE, target="naples-honda")
VALUES: slack.Json = {
    "days": {"value": {"type": "number_input", "value": "30"}},
    "depth": {"value": {"type": "static_select", "selected_option": {"text": {}, "value": "full"}}},
    "note": {"value": {"type": "plain_text_input", "value": None}},
}


def said(text: str) -> Decoded:
    return decode.decode("command", slack.command(text), ASKED_AT, RULES)


def clicked(action_id: str, **changes: object) -> Decoded:
    return decode.decode("interaction", slack.click(slack.button(action_id), **changes), ASKED_AT, RULES)


def submission(form: FormOpen = FORM, *, secret: str = BUTTON_SECRET, values: object = VALUES, **view: object) -> bytes:
    text = codec.encode(form).decode()
    shown: slack.Json = {
        "id": "V0FORM",
        "team_id": "T0OPSLOOP",
        "type": "modal",
        "callback_id": "params.ugc_audit",
        "private_metadata": f"{sign((secret,), 'form', text)}.{text}",
        "state": {"values": values},
        **view,
    }
    return slack.click(type="view_submission", view=shown, channel=None, container=None, actions=None)


def submitted(body: bytes) -> RunTask:
    outcome = decode.decode("interaction", body, ASKED_AT, RULES)
    assert isinstance(outcome, Submitted)
    return outcome.command


def refusal(body: bytes) -> str:
    with pytest.raises(Refused) as caught:
        decode.decode("interaction", body, ASKED_AT, RULES)
    return caught.value.reason


# --- when one is wanted ---------------------------------------------------------------------------------------------


def test_a_click_wants_the_form() -> None:
    """A task with parameters is not run from a card without them; if no form opens, that is what is asked."""
    outcome = clicked("task.run.ugc_audit")
    assert isinstance(outcome, FormWanted)
    assert outcome.form == FormOpen(
        trigger_id="123.456.abcdef", task="ugc_audit", actor=ALICE, conversation=HERE, card=TASK.id
    )
    assert isinstance(outcome.instead, ExplainButton)
    assert (outcome.instead.action, outcome.instead.reason) == ("task.run.ugc_audit", "no_form")
    assert outcome.instead.answer_url == "https://hooks.slack.com/actions/T0OPSLOOP/1/secret"


def test_words_want_the_form() -> None:
    """Without values; the task is found as the orchestrator finds it, the dealer stays as typed."""
    outcome = said("run UGC_Audit Naples-Honda")
    assert isinstance(outcome, FormWanted)
    assert (outcome.form.task, outcome.form.target, outcome.form.card) == ("ugc_audit", "Naples-Honda", "")
    assert outcome.instead.command == "/dealershipai"


@pytest.mark.parametrize(
    "text",
    ["run ugc_audit naples-honda days=30", "run schema_fix naples-honda", "run ugc_audit", "run ugc_audit nowhere"],
)
def test_words_that_want_no_form(text: str) -> None:
    """With values, without parameters, or without a dealer anybody knows, the run itself is asked for."""
    outcome = said(text)
    assert isinstance(outcome, Asked)
    assert isinstance(outcome.command, RunTask)


def test_a_forged_button_wants_no_form() -> None:
    """A card we did not sign opens nothing."""
    body = slack.click(slack.button("task.run.ugc_audit", "naples-honda"))
    outcome = decode.decode("interaction", body, ASKED_AT, RULES)
    assert isinstance(outcome, Asked)
    assert outcome.command.__class__ is ExplainButton


def test_a_click_without_a_trigger_is_refused() -> None:
    """Nothing could be opened with it; without a form it does not matter."""
    assert refusal(slack.click(slack.button("task.run.ugc_audit"), trigger_id=None)) == "shape"
    assert isinstance(clicked("task.run.schema_fix", trigger_id=None), Asked)


# --- what comes back ------------------------------------------------------------------------------------------------


def test_a_form_becomes_a_run() -> None:
    """With what was entered, chosen or left empty, where the form was asked for."""
    run = submitted(submission())
    assert (run.task, run.target, run.card) == ("ugc_audit", "naples-honda", "")
    assert run.params == {"days": "30", "depth": "full", "note": ""}
    assert (run.actor, run.conversation, run.asked_at, run.answer_url) == (ALICE, HERE, ASKED_AT, "")


def test_a_person_of_another_workspace_may_submit() -> None:
    """Where an organisation shares the app, a form names the person's own workspace; the run keeps the other."""
    elsewhere = replace(FORM, actor=Person("T0OTHER", "U0ALICE"))
    assert submitted(submission(elsewhere)).actor == Person("T0OTHER", "U0ALICE")


def test_a_form_from_a_card_keeps_the_card() -> None:
    """So that the run appears on it."""
    card = Pointer("07-abcdefghijklmnopqrst", 3).id
    assert submitted(submission(replace(FORM, target="", card=card))).card == card


def test_one_form_is_one_request() -> None:
    """However often it is submitted, and with whatever values; the next form is another one."""
    ids = [
        submitted(body).request_id
        for body in (submission(), submission(values={}), submission(hash="x"), submission(id="V0NEXT"))
    ]
    assert ids[0] == ids[1] == ids[2] != ids[3]


@pytest.mark.parametrize(
    "body",
    [
        submission(secret="a-secret-of-somebody-else"),
        submission(private_metadata=None),
        submission(private_metadata=""),
        submission(private_metadata="."),
        submission(private_metadata=codec.encode(FORM).decode()),
        submission(private_metadata=f"{sign((BUTTON_SECRET,), 'form', '{}')}.{{}}"),
        submission(private_metadata=f"{sign((BUTTON_SECRET,), 'button', 'x')}.x"),
        submission(callback_id="params.schema_fix"),
        submission(replace(FORM, actor=Person("T0OPSLOOP", "U0BOB"))),
    ],
)
def test_forged_forms_are_refused(body: bytes) -> None:
    """What we did not sign, for this task and this person, is no form of ours."""
    assert refusal(body) == "form_forged"


@pytest.mark.parametrize(
    "body",
    [
        submission(id=None),
        submission(id="v.*"),
        submission(state=None),
        submission(values=None),
        submission(values={"days": {}}),
        submission(values={"days": {"value": {}, "more": {}}}),
        submission(values={"d.*": {"value": {"value": "1"}}}),
        submission(values={"days": {"value": {"value": 30}}}),
        submission(values={f"p{number}": {"value": {}} for number in range(101)}),
    ],
)
def test_forms_in_another_shape_are_refused(body: bytes) -> None:
    """Values in another shape than our form has are refused, though signed."""
    assert refusal(body) == "shape"


def test_secret_rotation() -> None:
    """A form that was opened before a rotation still counts."""
    rules = replace(RULES, button_secrets=("the-new-secret-of-the-tests", BUTTON_SECRET))
    assert isinstance(decode.decode("interaction", submission(), ASKED_AT, rules), Submitted)


def test_other_submissions_are_counted() -> None:
    """A modal of another name is none of our forms, whatever is in it."""
    body = submission(callback_id="feedback", state={"values": {"a": {"b": {"value": ["x"]}}}})
    assert decode.decode("interaction", body, ASKED_AT, RULES) == Ignored("view_submission")


def test_forms_of_foreign_workspaces_are_refused() -> None:
    """The allow-list comes before the signature."""
    rules = replace(RULES, teams=frozenset({"T0OTHER"}))
    with pytest.raises(Refused, match="foreign_team"):
        decode.decode("interaction", submission(), ASKED_AT, rules)


def test_over_socket_mode() -> None:
    """The same, where a payload is no form field."""
    payload = slack.read_payload(submission())
    outcome = decode.decode_payload("interaction", json.dumps(payload), ASKED_AT, RULES)
    assert isinstance(outcome, Submitted)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.sampled_from(("id", "type", "callback_id", "private_metadata", "state", "values"))


@given(st.dictionaries(PARTS, JSON), st.dictionaries(st.text(max_size=9), JSON, max_size=3))
def test_any_form(changes: dict[str, object], values: dict[str, object]) -> None:
    """Any submission with any part replaced by any JSON is a run, nothing, or a refusal."""
    try:
        outcome = decode.decode("interaction", submission(**{"values": values} | changes), ASKED_AT, RULES)  # type: ignore[arg-type]  # hostile on purpose
    except Refused:
        return
    assert isinstance(outcome, Submitted | Ignored)
