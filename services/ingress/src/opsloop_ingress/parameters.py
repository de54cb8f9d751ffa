"""The form of a task's parameters: when it is wanted, and what was entered in it. Pure."""

from opsloop_common import codec
from opsloop_common.codec import Undecodable
from opsloop_common.commands import ExplainButton, RunTask
from opsloop_common.forms import FormOpen
from opsloop_common.params import LONGEST_VALUE
from opsloop_common.signing import verify
from opsloop_common.subjects import is_token
from opsloop_ingress import document
from opsloop_ingress.asked import Asked, FormWanted, Request
from opsloop_ingress.payloads import Element, View, ViewState
from opsloop_ingress.refusal import Refused
from opsloop_ingress.rules import Rules
from opsloop_ingress.shape import TRIGGER, matching

CALLBACK = "params."
RUN_ACTION = "task.run."
MOST_FIELDS = 100

_PURPOSE = "form"


def asked(run: RunTask, trigger_id: str, foreign_answer_host: str, rules: Rules) -> Asked | FormWanted:
    """The run itself, or the form that its task needs first. Raises Refused for a trigger in another form.

    Nobody fills in a form for a target that is missing or unknown: the run is asked for, and answered so.
    """
    task = _known(run.task, rules.forms)
    if not task or run.params or not (run.card or _known(run.target, rules.targets)):
        return Asked(run, foreign_answer_host)
    form = FormOpen(
        trigger_id=matching(TRIGGER, trigger_id),
        task=task,
        actor=run.actor,
        conversation=run.conversation,
        target=run.target,
        card=run.card,
    )
    instead = ExplainButton(
        action=f"{RUN_ACTION}{task}",
        reason="no_form",
        request_id=run.request_id,
        actor=run.actor,
        conversation=run.conversation,
        asked_at=run.asked_at,
        answer_url=run.answer_url,
        command=run.command,
    )
    return FormWanted(form, instead, foreign_answer_host)


def opened(view: View, rules: Rules) -> FormOpen:
    """What the form was opened for, as the notifier signed it. Raises Refused: it came through the person's client."""
    signature, dot, text = (view.private_metadata or "").partition(".")
    if not dot or not verify(rules.button_secrets, _PURPOSE, text, signature):
        raise Refused("form_forged")
    try:
        form = codec.decode(text, FormOpen)
    except Undecodable as error:
        raise Refused("form_forged") from error
    if view.callback_id != f"{CALLBACK}{form.task}":
        raise Refused("form_forged")
    return form


def entered(view: View, form: FormOpen, request: Request) -> RunTask:
    """The run with what was entered. Raises Refused."""
    state = document.decode(bytes(view.state).decode(), ViewState)
    if len(state.values) > MOST_FIELDS:
        raise Refused("shape")
    params = {name: _value(name, field) for name, field in state.values.items()}
    return RunTask(task=form.task, target=form.target, card=form.card, params=params, **request)


def _value(name: str, field: dict[str, Element]) -> str:
    """A field has one element; one that was left empty says null."""
    if not is_token(name) or len(field) != 1:
        raise Refused("shape")
    [element] = field.values()
    value = element.selected_option.value if element.selected_option else element.value
    return (value or "")[: LONGEST_VALUE + 1]


def _known(given: str, names: frozenset[str]) -> str:
    """The name as the catalogue has it, found as the orchestrator finds it; "" if there is none."""
    return given if given in names else given.lower() if given.lower() in names else ""
