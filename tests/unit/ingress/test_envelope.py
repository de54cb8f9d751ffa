"""What arrives on a socket is read as strictly as what arrives over HTTP, and means the same."""

import json

import pytest

from opsloop_ingress import envelope
from opsloop_ingress.asked import Asked, Ignored, Kind
from opsloop_ingress.decode import decode, decode_payload
from opsloop_ingress.envelope import Envelope, Goodbye, Hello
from opsloop_ingress.refusal import Refused
from opsloop_ingress.rules import Rules
from unit.ingress import slack

FOREIGN = Rules(button_secrets=(slack.BUTTON_SECRET,), teams=frozenset({"T0OTHER"}))


def asked(kind: Kind, payload: object, rules: Rules = slack.RULES) -> object:
    return decode_payload(kind, json.dumps(payload), slack.ASKED_AT, rules)


@pytest.mark.parametrize("text", ["", "help", "status naples-honda", "run schema_fix *.> {x}", "what & = %"])
def test_command_means_the_same_over_both(text: str) -> None:
    """Same command, same id: a request that came over both is one."""
    assert asked("command", slack.command_fields(text)) == decode(
        "command", slack.command(text), slack.ASKED_AT, slack.RULES
    )


@pytest.mark.parametrize("action", ["task.retry", "task.logs", "task.run.schema_fix", "task.grafana", "unknown"])
def test_click_means_the_same_over_both(action: str) -> None:
    """With its signed value, its target and its id."""
    button = slack.button(action)
    assert asked("interaction", slack.click_payload(button)) == decode(
        "interaction", slack.click(button), slack.ASKED_AT, slack.RULES
    )


def test_a_forged_button_is_only_explained() -> None:
    """The socket proves that Slack sent it, not that the button is ours."""
    found = asked("interaction", slack.click_payload(slack.button("task.retry", "forged")))
    assert isinstance(found, Asked)
    assert type(found.command).__name__ == "ExplainButton"


def test_answer_url_of_a_stranger_is_left_out() -> None:
    """As over HTTP."""
    found = asked("command", slack.command_fields("help", response_url="https://evil.example/x"))
    assert isinstance(found, Asked)
    assert found.command.answer_url == ""
    assert found.foreign_answer_host == "evil.example"


def test_events_are_counted_only() -> None:
    """Nothing is asked by them."""
    assert asked("event", json.loads(slack.event())) == Ignored("app_home_opened")


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("command", slack.command_fields("help")),
        ("interaction", slack.click_payload(slack.button("task.retry"))),
        ("event", json.loads(slack.event())),
    ],
)
def test_foreign_team_is_refused(kind: Kind, payload: object) -> None:
    """An app-level token sees every workspace the app is installed in; the allow-list holds here too."""
    with pytest.raises(Refused, match="foreign_team"):
        asked(kind, payload, FOREIGN)


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("command", slack.click_payload(slack.button("task.retry")), "wrong_kind"),
        ("command", [], "shape"),
        ("command", slack.command_fields("a\0b"), "form"),
        ("command", slack.command_fields("help") | {"user_id": 7}, "shape"),
        ("command", slack.command_fields("help", user_id="U/../1"), "shape"),
        ("interaction", slack.command_fields("help"), "shape"),
        ("event", {"type": "hello"}, "wrong_kind"),
    ],
)
def test_malformed_payload_is_refused(kind: Kind, payload: object, reason: str) -> None:
    """With the reasons of HTTP."""
    with pytest.raises(Refused, match=reason):
        asked(kind, payload)


def test_repeated_key_is_refused() -> None:
    """Who reads the first and who reads the last must not differ."""
    with pytest.raises(Refused, match="json"):
        decode_payload("command", '{"command": "/a", "command": "/b"}', slack.ASKED_AT, slack.RULES)


def test_frames() -> None:
    """A greeting, a goodbye with its reason, and an envelope whose payload is left as it is."""
    assert envelope.read('{"type": "hello", "num_connections": 1}') == Hello()
    assert envelope.read('{"type": "disconnect", "reason": "warning"}') == Goodbye("warning")
    assert envelope.read('{"type": "disconnect", "reason": "A\\nB"}') == Goodbye("unknown")
    found = envelope.read('{"type": "slash_commands", "envelope_id": "e-1", "payload": {"a":  1}, "new": null}')
    assert found == Envelope("e-1", "command", '{"a":  1}')
    assert json.loads(envelope.acknowledgement(found)) == {"envelope_id": "e-1"}


def test_an_acknowledgement_may_carry_an_answer() -> None:
    """What HTTP would say in its body, as JSON in JSON."""
    said = envelope.acknowledgement(Envelope("e-1", "interaction", "{}"), b'{"response_action": "errors"}')
    assert json.loads(said) == {"envelope_id": "e-1", "payload": {"response_action": "errors"}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "json"),
        ("{", "json"),
        ("[]", "shape"),
        ('{"type": "hello", "type": "disconnect"}', "json"),
        ('{"type": "slash_commands", "payload": {}}', "shape"),
        ('{"type": "slash_commands", "envelope_id": "a b", "payload": {}}', "shape"),
        ('{"type": "slash_commands", "envelope_id": 7, "payload": {}}', "shape"),
        ('{"type": "something_new", "envelope_id": "e-1", "payload": {}}', "wrong_kind"),
    ],
)
def test_malformed_frame_is_refused(text: str, reason: str) -> None:
    """Nothing else is an envelope."""
    with pytest.raises(Refused, match=reason):
        envelope.read(text)
