"""Denials in the log, for whoever reviews security: one line each, with the same keys."""

import logging

from opsloop_common.people import Person
from opsloop_orchestrator.rights import No

log = logging.getLogger(__name__)


def log_denial(person: Person, task: str, target: str, no: No) -> None:
    log.warning(
        "denied: %s of %s may not act on task %s for %s: %s%s",
        person.user,
        person.workspace,
        task or "-",
        target or "-",
        no.reason,
        f" ({no.identity})" if no.identity else "",
    )
