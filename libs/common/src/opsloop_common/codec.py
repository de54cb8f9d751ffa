"""Bytes to events and back. The type of a message decides what its data is; unknown fields are ignored."""

from datetime import datetime
from typing import TypeVar

import msgspec

from opsloop_common import commands
from opsloop_common.answers import AnswerState
from opsloop_common.commands import AnyCommand
from opsloop_common.events import Envelope, TaskState

T = TypeVar("T")

_COMMANDS = {f"ops.cmd.{verb}.v1": struct for struct, verb in commands.VERBS.items()}
_encoder = msgspec.json.Encoder()
_envelopes = msgspec.json.Decoder(Envelope[msgspec.Raw])


class Undecodable(ValueError):
    """The bytes are not a message this version knows; the text says where they depart from it."""


def encode(value: object) -> bytes:
    """JSON bytes of a struct. Raises TypeError for what is not a message."""
    return _encoder.encode(value)


def envelope(
    *,
    id: str,
    source: str,
    type: str,
    time: datetime,
    subject: str,
    data: T,
    causedby: str = "",
    traceparent: str = "",
) -> Envelope[T]:
    """A complete CloudEvent around `data`."""
    return Envelope(
        id=id,
        source=source,
        type=type,
        time=time,
        subject=subject,
        data=data,
        specversion="1.0",
        datacontenttype="application/json",
        causedby=causedby,
        traceparent=traceparent,
    )


def command_type(command: AnyCommand) -> str:
    return f"ops.cmd.{commands.VERBS[type(command)]}.v1"


def decode_command(payload: bytes) -> Envelope[AnyCommand]:
    """A command. Raises Undecodable."""
    raw = _open(payload)
    struct = _COMMANDS.get(raw.type)
    if struct is None:
        raise Undecodable(f"type: {raw.type!r} is not a command of this version")
    return _with_data(raw, _data(raw, struct))


def decode_event(payload: bytes) -> Envelope[TaskState] | Envelope[AnswerState]:
    """A task or answer event. Raises Undecodable."""
    raw = _open(payload)
    if raw.type.startswith("ops.task."):
        return _with_data(raw, _data(raw, TaskState))
    if raw.type.startswith("ops.answer."):
        return _with_data(raw, _data(raw, AnswerState))
    raise Undecodable(f"type: {raw.type!r} is not an event of this version")


def decode(payload: bytes | str, struct: type[T]) -> T:
    """A plain struct, as in log lines and records. Raises Undecodable."""
    try:
        return msgspec.json.decode(payload, type=struct)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(str(error)) from error


def _open(payload: bytes) -> Envelope[msgspec.Raw]:
    try:
        raw = _envelopes.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(str(error)) from error
    if raw.specversion != "1.0":
        raise Undecodable(f"specversion: {raw.specversion!r} is not 1.0")
    return raw


def _data(raw: Envelope[msgspec.Raw], struct: type[T]) -> T:
    return decode(bytes(raw.data), struct)


def _with_data(raw: Envelope[msgspec.Raw], data: T) -> Envelope[T]:
    return Envelope(
        id=raw.id,
        source=raw.source,
        type=raw.type,
        time=raw.time,
        subject=raw.subject,
        data=data,
        specversion=raw.specversion,
        datacontenttype=raw.datacontenttype,
        causedby=raw.causedby,
        traceparent=raw.traceparent,
    )
