"""Reports: what a publisher says of a task of its own. Decoded here, with every fault named by reason and JSON pointer.

A report is plain JSON, or the data of a CloudEvent in structured mode. What it leaves out stays as it was.
"""

import re
import unicodedata
import urllib.parse
from collections.abc import Collection
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from opsloop_common import codec
from opsloop_common.external import BUTTONS_AT_MOST, LINKS_AT_MOST, LONGEST_URL, Link, OwnButton
from opsloop_common.publishers import Publisher
from opsloop_common.subjects import is_token

LARGEST_REPORT = 32 * 1024
LINES_AT_MOST = 50

ReportState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FaultReason = Literal[
    "not_json",
    "not_an_event",  # JSON, but a field is missing or of the wrong kind
    "too_large",
    "bad_task_id",
    "incomplete",  # the first event of a task lacks something
    "channel_not_allowed",
    "target_not_allowed",
    "buttons_not_allowed",
    "other_channel",  # the task is shown elsewhere already
    "ended",  # the task has ended; a new run is a new task
    "too_fast",  # only where somebody waits for an answer
    "unreachable",  # the card cannot be posted
]


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. A task's first one needs `title` and `state` or `percent`; later ones only what is new.

    `task_id` is needed where the subject does not name the task. `channel` or `target` say where the card goes (else
    the publisher's first channel). `log` are new lines of its log. `error` says why it failed, `summary` what came of
    it. `links` and `buttons` replace those before. `sequence` grows with every event of a task; without it the order
    of arrival counts. An event with the `id` of an earlier one changes nothing. `owner` says for whom the task runs.
    """

    title: Annotated[str, Meta(max_length=200)] = ""
    state: ReportState | None = None
    percent: Annotated[float, Meta(ge=0, le=100)] | None = None
    channel: Annotated[str, Meta(max_length=64)] = ""
    target: Annotated[str, Meta(max_length=64)] = ""
    step: Annotated[str, Meta(max_length=200)] = ""
    log: Annotated[tuple[Annotated[str, Meta(max_length=4000)], ...], Meta(max_length=LINES_AT_MOST)] = ()
    links: Annotated[tuple[Link, ...], Meta(max_length=LINKS_AT_MOST)] | None = None
    error: Annotated[str, Meta(max_length=4000)] = ""
    summary: Annotated[str, Meta(max_length=4000)] = ""
    buttons: Annotated[tuple[OwnButton, ...], Meta(max_length=BUTTONS_AT_MOST)] | None = None
    sequence: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None
    id: Annotated[str, Meta(max_length=200)] = ""
    owner: Annotated[str, Meta(max_length=200)] = ""
    task_id: Annotated[str, Meta(max_length=64)] = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a report was not taken. `pointer` (RFC 6901) leads to the place; `expected` says what would be right."""

    reason: FaultReason
    pointer: str = ""
    expected: str = ""


class Read(msgspec.Struct, frozen=True):
    """A report, and where in the message it stands: at the top, or in the data of a CloudEvent."""

    report: Report
    at: Literal["", "/data"] = ""

    def placed(self, fault: Fault) -> Fault:
        """A fault of the report with the pointer that leads there in the message."""
        return msgspec.structs.replace(fault, pointer=f"{self.at}{fault.pointer}") if fault.pointer else fault


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent 1.0 in structured mode, as far as it is read; `subject` may name the task."""

    specversion: Literal["1.0"]
    data: msgspec.Raw
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    subject: Annotated[str, Meta(max_length=64)] = ""


class _Head(msgspec.Struct, frozen=True):
    specversion: msgspec.Raw = msgspec.Raw()


EXPECTED = {
    "title": 'a text of up to 200 characters, e.g. "Build 7"',
    "state": f"one of {', '.join(get_args(ReportState))}",
    "percent": "a number from 0 to 100, e.g. 40",
    "channel": "the id of a channel that the catalogue allows, e.g. C0123ABCD",
    "target": "the name of a target that the catalogue allows",
    "step": "a text of up to 200 characters",
    "log": f'up to {LINES_AT_MOST} lines of up to 4000 characters each: ["line", …]',
    "links": f'up to {LINKS_AT_MOST} links: [{{"label": "Log", "url": "https://…"}}]',
    "url": f"an https address of visible ASCII characters, up to {LONGEST_URL}, without user name",
    "error": "a text of up to 4000 characters",
    "summary": "a text of up to 4000 characters",
    "buttons": f'up to {BUTTONS_AT_MOST} buttons: [{{"id": "stop", "label": "Stop"}}], each id once',
    "label": "a text of 1 to 60 characters that can be seen",
    "style": '"primary" or "danger", or nothing',
    "sequence": "a whole number from 1 that grows with every event of the task",
    "id": "a text of up to 200 characters",
    "owner": "a text of up to 200 characters",
    "task_id": "1 to 64 of A-Z, a-z, 0-9, '_', '-': the task that the subject names",
    "specversion": '"1.0"',
    "data": "the report, as a JSON object",
    "subject": "the task's id",
}
"""By field: what is right there."""

_AT = re.compile(r" - at `\$([^`]*)`$")
_URL = re.compile(r"https://[!-~]+")
_NEVER_IN_URLS = frozenset("<>|\"'`\\^{}")


def read(data: bytes) -> Read | Fault:
    """The report in a message."""
    if len(data) > LARGEST_REPORT:
        return Fault(reason="too_large", expected=f"at most {LARGEST_REPORT} bytes")
    try:
        is_cloud_event = bool(bytes(codec.decode(data, _Head).specversion))
        return _from_cloud_event(data) if is_cloud_event else _checked(Read(codec.decode(data, Report)))
    except codec.Undecodable as error:
        return _fault(str(error), "")


def _from_cloud_event(data: bytes) -> Read | Fault:
    event = codec.decode(data, CloudEvent)
    try:
        report = codec.decode(bytes(event.data), Report)
    except codec.Undecodable as error:
        return _fault(str(error), "/data")
    task_id = report.task_id or (event.subject if is_token(event.subject) else "")
    return _checked(Read(msgspec.structs.replace(report, id=event.id, task_id=task_id), "/data"))


def permitted(report: Report, publisher: Publisher) -> Fault | None:
    """What the catalogue does not allow this publisher to say."""
    if report.channel and report.channel not in publisher.channels:
        allowed = f"one of {', '.join(publisher.channels)}"
        return Fault(reason="channel_not_allowed", pointer="/channel", expected=allowed)
    if report.target and report.target not in publisher.targets:
        known = (
            f"one of {', '.join(publisher.targets)}" if publisher.targets else "no target: the catalogue allows none"
        )
        return Fault(reason="target_not_allowed", pointer="/target", expected=known)
    if report.target and report.channel and publisher.targets[report.target] != report.channel:
        where = f"{publisher.targets[report.target]}, where this target is shown, or no channel"
        return Fault(reason="channel_not_allowed", pointer="/channel", expected=where)
    if report.buttons and not publisher.press_by:
        return Fault(reason="buttons_not_allowed", pointer="/buttons", expected="no buttons: the catalogue allows none")
    return None


def beginning(report: Report) -> Fault | None:
    """What the first event of a task must not lack."""
    if not report.title.strip():
        return Fault(reason="incomplete", pointer="/title", expected=EXPECTED["title"])
    if report.state is None and report.percent is None:
        return Fault(reason="incomplete", pointer="/state", expected=f"{EXPECTED['state']}; or percent")
    return None


def unknown_fields(data: bytes) -> Collection[str]:
    """The fields of a readable report that nobody reads: they are no fault, and perhaps a slip of the pen."""
    found = codec.decode(data, dict[str, object])
    inner = found.get("data") if "specversion" in found else found
    known = {field.name for field in msgspec.structs.fields(Report)}
    return [name for name in inner if name not in known] if isinstance(inner, dict) else []


def _checked(read: Read) -> Read | Fault:
    """What a schema cannot say."""
    report, prefix = read.report, read.at
    for index, link in enumerate(report.links or ()):
        if not _is_safe(link.url):
            return _wrong(f"{prefix}/links/{index}/url")
        if not _is_visible(link.label):
            return _wrong(f"{prefix}/links/{index}/label")
    ids = [button.id for button in report.buttons or ()]
    for index, button in enumerate(report.buttons or ()):
        if not _is_visible(button.label):
            return _wrong(f"{prefix}/buttons/{index}/label")
        if button.id in ids[:index]:
            return _wrong(f"{prefix}/buttons/{index}/id", EXPECTED["buttons"])
    return read


def _wrong(pointer: str, expected: str = "") -> Fault:
    return Fault(reason="not_an_event", pointer=pointer, expected=expected or _expected_at(pointer))


def _is_safe(url: str) -> bool:
    """Whether the address leads where it seems to, and cannot leave the link it is put into."""
    if _URL.fullmatch(url) is None or _NEVER_IN_URLS & set(url):
        return False
    try:
        parts = urllib.parse.urlsplit(url)
        return bool(parts.hostname) and parts.username is None and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_visible(text: str) -> bool:
    """Whether there is a letter, digit, sign or symbol in it."""
    return any(unicodedata.category(character)[0] in "LNPS" for character in text)


def _fault(error: str, prefix: str) -> Fault:
    """The decoder's words as a fault. A place in them means that the JSON itself was readable."""
    place = _AT.search(error)
    if place is None and not error.startswith(("Expected `", "Object missing")):
        return Fault(reason="not_json", pointer=prefix, expected="JSON in UTF-8, without NaN, half surrogates or depth")
    pointer = prefix + _pointer(place[1] if place else "")
    said = error[: place.start()] if place else error
    if missing := re.search(r"missing required field `([^`]+)`", said):
        pointer = f"{pointer}/{missing[1]}"
    return Fault(reason="not_an_event", pointer=pointer, expected=_expected_at(pointer) or said)


def _pointer(path: str) -> str:
    """`.links[0].url` as a JSON pointer."""
    return "".join(f"/{name or index}" for name, index in re.findall(r"\.([A-Za-z0-9_]+)|\[(\d+|\.\.\.)\]", path))


def _expected_at(pointer: str) -> str:
    """What is right at the innermost place that has a name we know."""
    names = [part for part in reversed(pointer.split("/")) if part in EXPECTED]
    return EXPECTED[names[0]] if names else "a JSON object"
