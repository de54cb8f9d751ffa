"""Forms: the one synchronous path. Ingress asks a notifier to open a form, or to say what is wrong in one.

A form is never stored: nobody is held to what they began to type. What was entered becomes a command, as a click does.
"""

import msgspec

from opsloop_common.people import Conversation, Person


class FormOpen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Asks to open the form of a task's parameters. The trigger is worth three seconds.

    Like RunTask: from a status card (`card`), or by words (`target` as typed).
    """

    trigger_id: str
    task: str
    actor: Person
    conversation: Conversation
    target: str = ""
    card: str = ""


class FormOpened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the form is open; `error` is what the chat product said if not."""

    opened: bool
    error: str = ""


class FormCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Asks what is wrong with the values entered in a task's form."""

    task: str
    params: dict[str, str]


class FormChecked(msgspec.Struct, frozen=True, kw_only=True):
    """What to tell at each field, by the parameter's name; nothing when all is well."""

    errors: dict[str, str]
