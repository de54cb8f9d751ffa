"""`opsloop publish`: reports of a task of one's own, from a shell, and says what became of it."""

from collections.abc import Mapping

import msgspec

from opsloop_cli.arguments import Arguments
from opsloop_cli.stack import REACH_SECONDS, reach
from opsloop_common import codec, reports, service
from opsloop_common.external import Link, OwnButton
from opsloop_common.notices import Received
from opsloop_common.reports import Fault, Report
from opsloop_common.runtime import CannotStart
from opsloop_common.settings import Environment

WITHIN_SECONDS = 5.0
REJECTED = 1


async def run(environment: Mapping[str, str], asked: Arguments) -> int:
    """Prints one line; 0 when the report was taken. Raises CannotStart, SettingsError."""
    env = Environment(environment)
    url, subjects = env.text("NATS_URL", "nats://127.0.0.1:4222"), env.root()
    env.check()
    payload = codec.encode(_report(asked))
    if isinstance(wrong := reports.read(payload), Fault):
        return _rejected(wrong)
    bus = await reach(url, REACH_SECONDS)
    try:
        answer = await service.request(
            bus, subjects.publishing(asked.publisher), msgspec.Raw(payload), Received, WITHIN_SECONDS
        )
    except service.Unanswered as error:
        is_nobody = error.code in (service.NO_RESPONDERS, service.TIMEOUT)
        hint = (
            f"is {asked.publisher!r} in [publishers] of the catalogue, and does an orchestrator run?"
            if is_nobody
            else "repeat it with the same --id"
        )
        raise CannotStart(f"no answer ({error.code}): {hint}") from error
    finally:
        await bus.close()
    if answer.fault is not None:
        return _rejected(answer.fault)
    print(f"{answer.outcome}: {answer.id}")
    return 0


def _report(asked: Arguments) -> Report:
    return Report(
        task_id=asked.task_id,
        title=asked.title,
        state=asked.state,
        percent=asked.percent,
        channel=asked.channel,
        target=asked.target,
        step=asked.step,
        log=asked.log,
        links=tuple(Link(*_halves(one)) for one in asked.link) if asked.link else None,
        error=asked.error,
        summary=asked.summary,
        buttons=tuple(_button(one) for one in asked.button) if asked.button else None,
        sequence=asked.sequence or None,
        id=asked.id,
        owner=asked.owner,
    )


def _halves(text: str) -> tuple[str, str]:
    """`Label=value`."""
    label, _, value = text.partition("=")
    return label, value


def _button(text: str) -> OwnButton:
    """`Label=id`, or `Label=id:danger`."""
    label, value = _halves(text)
    id, _, style = value.partition(":")
    return OwnButton(id, label, style)  # type: ignore[arg-type] # another style is told as a fault


def _rejected(fault: Fault) -> int:
    print(f"rejected: {told(fault)}")
    return REJECTED


def told(fault: Fault) -> str:
    """A fault in a line."""
    return f"{fault.reason}{f' at {fault.pointer}' if fault.pointer else ''}: expected {fault.expected}"
