"""Verified bytes become commands."""

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsloop_common import codec
from opsloop_common.commands import (
    AnyCommand,
    CancelTask,
    ConfirmHappened,
    CountClick,
    ExplainButton,
    RetryTask,
    RunAgain,
    RunTask,
    ShowHelp,
    ShowHome,
    ShowLogs,
    ShowStatus,
)
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import is_id
from opsloop_ingress import decode
from opsloop_ingress.asked import Asked, Challenge, Decoded, Ignored, Kind, Submitted
from opsloop_ingress.refusal import Refused
from opsloop_ingress.rules import Rules
from unit.ingress import slack
from unit.ingress.slack import ASKED_AT, BUTTON_SECRET, RULES, TASK


def asked(kind: Kind, body: bytes, rules: Rules = RULES) -> AnyCommand:
    outcome = decode.decode(kind, body, ASKED_AT, rules)
    assert isinstance(outcome, Asked)
    return outcome.command


def said(text: str) -> AnyCommand:
    return asked("command", slack.command(text))


def clicked(*actions: slack.Json, **changes: object) -> AnyCommand:
    return asked("interaction", slack.click(*actions, **changes))


def refusal(kind: Kind, body: bytes, rules: Rules = RULES) -> str:
    with pytest.raises(Refused) as caught:
        decode.decode(kind, body, ASKED_AT, rules)
    return caught.value.reason


# --- words ----------------------------------------------------------------------------------------------------------


def test_command_says_who_where_and_when() -> None:
    """A command carries the person, the conversation, the verified time, the answer URL and the command's name."""
    command = said("status naples-honda")
    assert isinstance(command, ShowStatus)
    assert command.target == "naples-honda"
    assert command.actor == Person("T0OPSLOOP", "U0ALICE")
    assert command.conversation == Conversation("T0OPSLOOP", "C0OPS")
    assert command.asked_at == ASKED_AT
    assert command.answer_url == "https://hooks.slack.com/commands/T0OPSLOOP/1/secret"
    assert command.command == "/dealershipai"
    assert is_id(command.request_id)


@pytest.mark.parametrize("text", ["", "   ", "help", "HELP", "help me please"])
def test_help(text: str) -> None:
    """Nothing and `help` are answered with help."""
    command = said(text)
    assert isinstance(command, ShowHelp)
    assert command.unknown_word == ""


@pytest.mark.parametrize("text", ["stat naples", "deploy", "*", "\N{ROCKET} x", "x" * 5000])
def test_unknown_word(text: str) -> None:
    """The first word nobody knows is named in the request for help, cut to a hundred characters."""
    command = said(text)
    assert isinstance(command, ShowHelp)
    assert command.unknown_word == text.split()[0][:100]


@pytest.mark.parametrize(
    "name",
    [
        "naples-honda",
        "Naples Honda",
        'O\'Brien "Best" Cars',
        "{naples} {{x}} %s ${HOME} `id`",
        "a.b.c",
        "*",
        ">",
        "ops.cmd.>",
        "two\nlines\r\nhere",
        "<!channel> & <@U0BOB>",
        "\N{ROCKET}\N{VARIATION SELECTOR-16} Zürich 日本",
        "run status help",
    ],
)
def test_dealer_names_come_through_as_typed(name: str) -> None:
    """A name is data: quotes, braces, dots, wildcards, newlines and emoji are kept, and are in no id."""
    status, run = said(f"  Status   {name}  "), said(f"RUN schema_fix  {name} ")
    assert isinstance(status, ShowStatus)
    assert isinstance(run, RunTask)
    assert (status.target, run.target, run.task, run.card) == (name, name, "schema_fix", "")
    assert codec.decode_command(_message(run)).data == run


def _message(command: AnyCommand) -> bytes:
    envelope = codec.envelope(
        id=command.request_id, source="t", type=codec.command_type(command), time=ASKED_AT, subject="t", data=command
    )
    return codec.encode(envelope)


def test_same_delivery_same_request() -> None:
    """A second delivery is the same request; another trigger, person or channel is another one."""
    ids = [
        asked("command", slack.command("status x", **changes)).request_id
        for changes in ({}, {}, {"trigger_id": "9.9.z"}, {"user_id": "U0BOB"}, {"channel_id": "C0RANDOM"})
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"team_id": ""},
        {"team_id": "t0opsloop"},
        {"channel_id": "C0.OPS"},
        {"channel_id": "C" * 33},
        {"user_id": "U0*"},
        {"user_id": "U0ALICE\n"},
        {"user_id": "Ｕ0"},
        {"trigger_id": ""},
        {"trigger_id": "x" * 201},
        {"command": "dealershipai"},
        {"command": "/"},
    ],
)
def test_ids_in_another_form_are_refused(changes: dict[str, str]) -> None:
    """What is not Slack's way of writing an id is refused, though signed."""
    assert refusal("command", slack.command("", **changes)) == "shape"


def test_foreign_answer_url_is_left_out() -> None:
    """The request is taken without the URL, and its host is told."""
    outcome = decode.decode("command", slack.command(response_url="https://evil.example/x"), ASKED_AT, RULES)
    assert isinstance(outcome, Asked)
    assert (outcome.command.answer_url, outcome.foreign_answer_host) == ("", "evil.example")


# --- clicks ---------------------------------------------------------------------------------------------------------


def test_run_from_a_card() -> None:
    """A click on a card's button runs that task, with the card's id."""
    command = clicked(slack.button("task.run.schema_fix"))
    assert isinstance(command, RunTask)
    assert (command.task, command.card, command.target) == ("schema_fix", TASK.id, "")
    assert command.actor == Person("T0OPSLOOP", "U0ALICE")
    assert command.conversation == Conversation("T0OPSLOOP", "C0OPS")
    assert command.answer_url == "https://hooks.slack.com/actions/T0OPSLOOP/1/secret"


def test_retry_cancel_and_logs() -> None:
    """Retry and cancel carry the state they were drawn from; logs only the task."""
    retry, logs = clicked(slack.button("task.retry")), clicked(slack.button("task.tail"))
    cancel = clicked(slack.button("task.cancel"))
    assert isinstance(cancel, CancelTask)
    assert (cancel.task_id, cancel.drawn_at) == (TASK.id, TASK.sequence)
    assert isinstance(retry, RetryTask)
    assert (retry.task_id, retry.drawn_at) == (TASK.id, TASK.sequence)
    assert isinstance(logs, ShowLogs)
    assert logs.task_id == TASK.id


@pytest.mark.parametrize(("action", "struct"), [("task.happened", ConfirmHappened), ("task.rerun", RunAgain)])
def test_what_is_said_of_an_unknown_outcome_carries_the_state_it_was_drawn_from(
    action: str, struct: type[ConfirmHappened | RunAgain]
) -> None:
    """Both buttons name the task and the event their card showed."""
    command = clicked(slack.button(action))
    assert isinstance(command, struct)
    assert (command.task_id, command.drawn_at) == (TASK.id, TASK.sequence)


@pytest.mark.parametrize(
    ("action_id", "value"),
    [
        ("task.happened", "07-abcdefghijklmnopqrst.12.0123456789abcdef0123"),
        ("task.rerun", ""),
        ("task.retry", ""),
        ("task.retry", "07-abcdefghijklmnopqrst.12.0123456789abcdef0123"),
        ("task.retry", "\N{ROCKET}.٣.\ud7ff"),
        ("task.cancel", "07-abcdefghijklmnopqrst.12.0123456789abcdef0123"),
        ("task.run.schema_fix", "naples-honda"),
        ("task.run.a.b", None),
        ("task.run.", None),
        ("task.run.*", None),
        ("task.explode", None),
        ("", None),
        ("x" * 255, None),
    ],
)
def test_forged_and_unknown_buttons_are_explained(action_id: str, value: str | None) -> None:
    """A value we did not sign, or an action we do not have, moves nothing: the person is told."""
    command = clicked(slack.button(action_id, value))
    assert isinstance(command, ExplainButton)
    assert command.action == action_id[:100]


def test_button_secret_rotation() -> None:
    """A button drawn with the former secret still works."""
    rules = Rules(button_secrets=("the-new-secret-of-the-tests", BUTTON_SECRET))
    assert isinstance(asked("interaction", slack.click(slack.button("task.tail")), rules), ShowLogs)


@pytest.mark.parametrize(
    ("action", "counted"),
    [
        (slack.button("task.grafana"), "task.grafana"),
        (slack.button("task.retry", url="https://example.com/"), "other"),
        (slack.button("x" * 200, url="https://example.com/"), "other"),
    ],
)
def test_link_clicks_are_counted_once(action: slack.Json, counted: str) -> None:
    """A click on a link becomes a command, the same one for the same click; only names of ours are counted as such."""
    first, again = clicked(action), clicked(action, trigger_id="another")
    assert isinstance(first, CountClick)
    assert (first.action, first.request_id) == (counted, again.request_id)


def test_team_may_be_null() -> None:
    """Where the app serves a whole organisation, the person's workspace is the conversation's."""
    assert clicked(slack.button("task.tail"), team=None).conversation.workspace == "T0OPSLOOP"
    nobody = slack.click(slack.button("task.tail"), team=None, user={"id": "U0ALICE"})
    assert refusal("interaction", nobody) == "shape"


def test_same_click_same_request() -> None:
    """A click is identified by person, message, action and time; the next click is another request."""
    again = slack.button("task.retry", action_ts="1790000001.000100")
    ids = [
        clicked(slack.button("task.retry")).request_id,
        clicked(slack.button("task.retry"), response_url="https://hooks.slack.com/other", trigger_id="z").request_id,
        clicked(again).request_id,
        clicked(slack.button("task.retry"), user={"id": "U0BOB", "team_id": "T0OPSLOOP"}).request_id,
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    "body",
    [
        slack.click(),
        slack.click(slack.button("task.retry"), slack.button("task.tail")),
        slack.click(slack.button("task.retry"), channel={"id": "C0/../x"}),
        slack.click(slack.button("task.retry"), user={"id": "", "team_id": "T0OPSLOOP"}),
        slack.click(slack.button("task.retry"), container={}),
        slack.click(slack.button("task.retry"), container=None),
        slack.click(slack.button("task.retry", action_ts="")),
        slack.click(slack.button("task.retry", action_ts="now")),
        slack.click(slack.button("task.retry") | {"value": 17}),
        slack.click(slack.button("task.retry"), actions=None),
        slack.click(slack.button("task.retry"), user=None),
        slack.form({"payload": "[]"}),
    ],
)
def test_clicks_in_another_shape_are_refused(body: bytes) -> None:
    """None or several actions, ids and times in another form, missing parts: refused."""
    assert refusal("interaction", body) == "shape"


@pytest.mark.parametrize("type", ["view_submission", "view_closed", "shortcut", "message_action", "block_suggestion"])
def test_other_interactions_are_counted(type: str) -> None:
    """What Slack may send and we do not use is counted under its name."""
    assert decode.decode("interaction", slack.click(type=type, channel=None), ASKED_AT, RULES) == Ignored(type)


@pytest.mark.parametrize("view", [None, {}, {"id": "V1", "type": "modal"}])
def test_clicks_in_a_modal_are_ignored(view: object) -> None:
    """What is clicked in a form is not asked for before it is submitted."""
    changes = {"channel": None, "container": {"type": "view"}, "view": view}
    body = slack.click(slack.button("task.retry"), **changes)
    assert decode.decode("interaction", body, ASKED_AT, RULES) == Ignored("view_action")


# --- the app's own page ---------------------------------------------------------------------------------------------


def clicked_at_home(action: slack.Json, **changes: object) -> AnyCommand:
    view = {"id": "V0HOME", "type": "home", "team_id": "T0OPSLOOP", "state": {"values": {}}, **changes}
    return clicked(action, channel=None, container={"type": "view", "view_id": "V0HOME"}, response_url=None, view=view)


@pytest.mark.parametrize(
    ("action_id", "command"),
    [("task.retry", RetryTask), ("task.cancel", CancelTask), ("task.tail", ShowLogs), ("task.run.schema_fix", RunTask)],
)
def test_buttons_work_on_the_own_page(action_id: str, command: type) -> None:
    """As anywhere else; the conversation is the person."""
    found = clicked_at_home(slack.button(action_id))
    assert isinstance(found, command)
    assert found.conversation == Conversation("T0OPSLOOP", "U0ALICE")
    assert found.answer_url == ""


def test_same_click_on_the_own_page_same_request() -> None:
    """The page, the action and its time tell clicks apart."""
    ids = [
        clicked_at_home(slack.button("task.retry")).request_id,
        clicked_at_home(slack.button("task.retry"), hash="another").request_id,
        clicked_at_home(slack.button("task.retry", action_ts="1790000001.000100")).request_id,
        clicked_at_home(slack.button("task.retry"), id="V0OTHER").request_id,
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_a_page_without_an_id_is_refused() -> None:
    """There would be nothing to tell its clicks apart by."""
    view = {"type": "home", "team_id": "T0OPSLOOP"}
    body = slack.click(slack.button("task.retry"), channel=None, container={"type": "view"}, view=view)
    assert refusal("interaction", body) == "shape"


def opened(tab: str = "home", **changes: object) -> bytes:
    event = {"type": "app_home_opened", "user": "U0ALICE", "tab": tab, "event_ts": "1790000000.000300"}
    return slack.event("event_callback", **({"event": event} | changes))


def test_opening_the_page_shows_it() -> None:
    """In the conversation that the person is; Slack's repetition of the event is the same request."""
    found = asked("event", opened())
    assert isinstance(found, ShowHome)
    assert found.actor == Person("T0OPSLOOP", "U0ALICE")
    assert found.conversation == Conversation("T0OPSLOOP", "U0ALICE")
    ids = [asked("event", body).request_id for body in (opened(), opened(event_id="Ev2"), opened(event_id=None))]
    assert ids[0] == found.request_id
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    "body",
    [opened(event={"type": "app_home_opened", "tab": "home"}), opened(event_id="E v"), opened(team_id="t0"),
     opened(event_id="", event={"type": "app_home_opened", "tab": "home", "user": "U0ALICE"})],
)  # fmt: skip
def test_a_page_opened_by_nobody_is_refused(body: bytes) -> None:
    """Who opened it, where and when must be in the event."""
    assert refusal("event", body) == "shape"


# --- events and the rest --------------------------------------------------------------------------------------------


def test_events() -> None:
    """The challenge comes back; events are counted; ssl_check asks for nothing."""
    challenge = slack.event("url_verification", challenge="3eZbrw1aB")
    cases: list[tuple[Kind, bytes, object]] = [
        ("event", challenge, Challenge("3eZbrw1aB")),
        ("event", opened(tab="messages"), Ignored("app_home_opened")),
        ("event", slack.event(event={"type": "x" * 900}), Ignored("other_event")),
        ("event", slack.event("app_rate_limited", event=None), Ignored("other_event")),
        ("command", b"ssl_check=1&token=x", Ignored("ssl_check")),
        ("interaction", b"ssl_check=1&token=x", Ignored("ssl_check")),
    ]
    for kind, body, outcome in cases:
        assert decode.decode(kind, body, ASKED_AT, RULES) == outcome


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("command", b"", "wrong_kind"),
        ("command", slack.click(slack.button("task.retry")), "wrong_kind"),
        ("command", slack.form({**slack.command_fields(), "payload": "{}"}), "wrong_kind"),
        ("command", slack.event(), "form"),
        ("interaction", b"", "wrong_kind"),
        ("interaction", slack.command("help"), "wrong_kind"),
        ("interaction", slack.form({"payload": slack.event().decode(), "command": "/x"}), "wrong_kind"),
        ("interaction", slack.click(type="event_callback"), "wrong_kind"),
        ("interaction", slack.click(type="url_verification"), "wrong_kind"),
        ("interaction", slack.event(), "form"),
        ("event", slack.command("help"), "json"),
        ("event", json.dumps(slack.click_payload(slack.button("task.retry"))).encode(), "wrong_kind"),
        ("event", slack.event("view_submission"), "wrong_kind"),
        ("event", slack.event("url_verification"), "shape"),
        ("event", slack.event("url_verification", challenge="x" * 1001), "shape"),
        ("event", b'{"type": "event_callback", "event": "\xff"}', "json"),
    ],
)
def test_body_of_another_kind_is_refused(kind: Kind, body: bytes, reason: str) -> None:
    """The signature does not cover the path: a signed body sent to another path is refused there."""
    assert refusal(kind, body) == reason


# --- allow-lists ----------------------------------------------------------------------------------------------------

BODIES: list[tuple[Kind, Callable[[str, str], bytes]]] = [
    ("command", lambda team, app: slack.command("help", team_id=team, api_app_id=app)),
    ("interaction", lambda team, app: slack.click(slack.button("task.retry"), team={"id": team}, api_app_id=app)),
    ("interaction", lambda team, app: slack.click(slack.button("task.grafana"), team={"id": team}, api_app_id=app)),
    ("interaction", lambda team, app: slack.click(type="view_submission", team={"id": team}, api_app_id=app)),
    (
        "interaction",
        lambda team, app: slack.click(
            slack.button("task.retry"), user={"id": "U0EVE", "team_id": team}, api_app_id=app
        ),
    ),
    ("event", lambda team, app: slack.event(team_id=team, api_app_id=app)),
]


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_allow_lists_hold_for_every_kind(kind: Kind, body: Callable[[str, str], bytes]) -> None:
    """Another workspace, another app or none are refused, whatever kind of request it is; ours are taken."""
    rules = Rules(button_secrets=(BUTTON_SECRET,), teams=frozenset({"T0OPSLOOP", "T1"}), apps=frozenset({"A0OPSLOOP"}))
    decode.decode(kind, body("T0OPSLOOP", "A0OPSLOOP"), ASKED_AT, rules)
    for team, app, reason in [
        ("T0EVIL", "A0OPSLOOP", "foreign_team"),
        ("", "A0OPSLOOP", "foreign_team"),
        ("T0OPSLOOP", "A0EVIL", "foreign_app"),
        ("T0OPSLOOP", "", "foreign_app"),
    ]:
        assert refusal(kind, body(team, app), rules) == reason


# --- anything -------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("type", "team", "user", "api_app_id", "channel", "container", "view", "response_url", "actions", "trigger_id")
KINDS = st.sampled_from(["command", "interaction", "event"])


def holds(kind: Kind, body: bytes) -> None:
    try:
        outcome = decode.decode(kind, body, ASKED_AT, RULES)
    except Refused:
        return
    assert isinstance(outcome, Decoded)
    if isinstance(outcome, Asked | Submitted):
        assert codec.decode_command(_message(outcome.command)).data == outcome.command


@given(KINDS, st.binary(max_size=300))
@example("event", b"[" * 250_000)
def test_any_bytes(kind: Kind, body: bytes) -> None:
    """Any bytes are a command, nothing, or a refusal."""
    holds(kind, body)


@given(st.dictionaries(st.sampled_from(list(slack.command_fields())), st.text(max_size=50)))
def test_any_fields(changes: dict[str, str]) -> None:
    """Any slash command with any of its fields replaced by any text is a command or a refusal."""
    fields = {key: value.encode("utf-8", "replace").decode() for key, value in changes.items()}
    holds("command", slack.form({**slack.command_fields("run x y"), **fields}))


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.dictionaries(st.text(max_size=9), JSON, max_size=3))
def test_any_payload(changes: dict[str, object], action: dict[str, object]) -> None:
    """Any click with any part replaced by any JSON is a command, nothing, or a refusal."""
    holds("interaction", slack.click(slack.button("task.retry") | action, **changes))
