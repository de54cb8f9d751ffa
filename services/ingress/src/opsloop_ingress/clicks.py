"""Clicks and submitted forms become commands. Pure: a new button is added here."""

import re
from datetime import datetime

from opsloop_common import buttons
from opsloop_common.buttons import Pointer
from opsloop_common.commands import (
    AnyCommand,
    CancelTask,
    ConfirmHappened,
    CountClick,
    ExplainButton,
    PressButton,
    RetryTask,
    RunAgain,
    RunTask,
    ShowLogs,
)
from opsloop_common.people import Conversation, Person
from opsloop_common.subjects import is_token, make_id
from opsloop_ingress import answer_url, parameters
from opsloop_ingress.asked import Asked, FormWanted, Ignored, Request, Submitted
from opsloop_ingress.parameters import CALLBACK, RUN_ACTION
from opsloop_ingress.payloads import Action, Interaction, View
from opsloop_ingress.refusal import Refused
from opsloop_ingress.rules import Rules
from opsloop_ingress.shape import TIMESTAMP, matching, slack_id
from opsloop_ingress.words import LONGEST_WORD

LINK_ACTIONS = frozenset({"task.grafana", "task.logs"})
OTHER_LINK = "other"
_OWN_BUTTON = re.compile(r"ext\.([1-3])")
MOVES: dict[str, type[RetryTask | CancelTask | ConfirmHappened | RunAgain]] = {
    "task.retry": RetryTask,
    "task.cancel": CancelTask,
    "task.happened": ConfirmHappened,
    "task.rerun": RunAgain,
}
"""The buttons that move a task, drawn from one of its states."""

_NOT_USED = frozenset(
    {
        "view_submission",
        "view_closed",
        "shortcut",
        "message_action",
        "block_suggestion",
        "interactive_message",
        "dialog_submission",
        "dialog_suggestion",
        "dialog_cancellation",
        "workflow_step_edit",
    }
)


def interactive(payload: Interaction, asked_at: datetime, rules: Rules) -> Asked | FormWanted | Submitted | Ignored:
    """What a click or a submitted form asks. Raises Refused."""
    if payload.type != "block_actions" and payload.type not in _NOT_USED:
        raise Refused("wrong_kind")
    rules.admit(payload.api_app_id, _teams(payload))
    if payload.type == "block_actions":
        return _click(payload, asked_at, rules)
    if payload.type == "view_submission" and payload.view and (payload.view.callback_id or "").startswith(CALLBACK):
        return _submitted(payload, payload.view, asked_at, rules)
    return Ignored(payload.type)


def _teams(payload: Interaction) -> tuple[str, ...]:
    """Every workspace the payload names: a person of a foreign one may click in a shared channel."""
    named = (
        payload.team.id if payload.team else None,
        payload.user.team_id,
        payload.view.team_id if payload.view else None,
    )
    return tuple(team for team in named if team is not None)


def _workspaces(payload: Interaction) -> tuple[str, str]:
    """The workspace of the conversation and that of the person; where Slack names one of them, both are that one."""
    named = payload.team.id if payload.team else payload.user.team_id
    team = slack_id(named or "")
    return team, slack_id(payload.user.team_id or team)


# --- clicks ---------------------------------------------------------------------------------------------------------


def _click(payload: Interaction, asked_at: datetime, rules: Rules) -> Asked | FormWanted | Ignored:
    if payload.channel is None and not _is_on_own_page(payload):
        return Ignored("view_action")
    if payload.actions is None or len(payload.actions) != 1:
        raise Refused("shape")
    [action] = payload.actions
    team, home = _workspaces(payload)
    user = slack_id(payload.user.id)
    conversation, place = _place(payload, team, user)
    answer = answer_url.check(payload.response_url or "", rules.api_url)
    action_at = matching(TIMESTAMP, action.action_ts)
    request = Request(
        request_id=make_id(conversation, "click", user, place, action.action_id, action_at),
        actor=Person(home, user),
        conversation=conversation,
        asked_at=asked_at,
        answer_url=answer.url,
        command="",
    )
    command = _button(action, buttons.read(rules.button_secrets, action.value or ""), request)
    if isinstance(command, RunTask):
        return parameters.asked(command, payload.trigger_id or "", answer.foreign_host, rules)
    return Asked(command, answer.foreign_host)


def _is_on_own_page(payload: Interaction) -> bool:
    in_view = payload.container is not None and payload.container.type == "view"
    return in_view and payload.view is not None and payload.view.type == "home"


def _place(payload: Interaction, team: str, user: str) -> tuple[Conversation, str]:
    """The conversation, and what in it was clicked on: a message, or the app's page, which belongs to the person."""
    if payload.channel is None:
        return Conversation(team, user), slack_id((payload.view and payload.view.id) or "")
    message = (payload.container and payload.container.message_ts) or ""
    return Conversation(team, slack_id(payload.channel.id)), matching(TIMESTAMP, message)


def _button(action: Action, pointer: Pointer | None, request: Request) -> AnyCommand:
    if action.action_id in LINK_ACTIONS or action.url:
        # Anybody can send any name, and it becomes a label.
        return CountClick(action=action.action_id if action.action_id in LINK_ACTIONS else OTHER_LINK, **request)
    if pointer is not None:
        task = action.action_id.removeprefix(RUN_ACTION)
        if action.action_id.startswith(RUN_ACTION) and is_token(task):
            return RunTask(task=task, card=pointer.id, **request)
        if (move := MOVES.get(action.action_id)) is not None:
            return move(task_id=pointer.id, drawn_at=pointer.sequence, **request)
        if action.action_id == "task.tail":
            return ShowLogs(task_id=pointer.id, **request)
        if own := _OWN_BUTTON.fullmatch(action.action_id):
            return PressButton(task_id=pointer.id, drawn_at=pointer.sequence, button=int(own[1]), **request)
    return ExplainButton(action=action.action_id[:LONGEST_WORD], **request)


# --- forms ----------------------------------------------------------------------------------------------------------


def _submitted(payload: Interaction, view: View, asked_at: datetime, rules: Rules) -> Submitted:
    """One form is one request, however often it is submitted.

    Its person is compared by user id alone: a command names the workspace it was typed in, a form that of the person.
    """
    form = parameters.opened(view, rules)
    user = slack_id(payload.user.id)
    if form.actor.user != user:
        raise Refused("form_forged")
    request = Request(
        request_id=make_id(form.conversation, "form", user, slack_id(view.id or "")),
        actor=form.actor,
        conversation=form.conversation,
        asked_at=asked_at,
        answer_url="",
        command="",
    )
    return Submitted(parameters.entered(view, form, request))
