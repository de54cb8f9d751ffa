"""What the orchestrator and its runner processes say to each other: msgpack structs, each behind its length."""

import asyncio
from typing import Any

import msgspec

from opsloop_common.task import Result, Target

LENGTH_BYTES = 4
LARGEST_FRAME = 4 * 1024 * 1024


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag="begin"):
    """Run a task. `kept` holds the results of steps that an earlier process of this attempt finished, as JSON.

    `settings` are those of the task type. `probe`: it is to be found out whether the task took effect.
    """

    task: str
    task_id: str
    attempt: int
    fence: int
    target: Target
    params: dict[str, str]
    settings: dict[str, Any]
    secrets: dict[str, str]
    kept: dict[str, bytes]
    probe: bool = False
    traceparent: str = ""


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """The step's result is safe: go on."""

    step: str


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Somebody cancelled the task: end it, soon."""


class Told(msgspec.Struct, frozen=True, tag="told"):
    """The answer to a question, as JSON; None where there is none."""

    number: int
    answer: bytes | None


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The runner has loaded its task packs; `broken` maps the tasks that could not be loaded to the reason."""

    tasks: tuple[str, ...]
    broken: dict[str, str] = {}
    probes: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, tag="line"):
    text: str


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    percent: int


class StepDone(msgspec.Struct, frozen=True, tag="step"):
    """`result` is the step's result as JSON; `repeated` when it was kept before and not run again."""

    name: str
    percent: int
    result: bytes
    repeated: bool = False


class AskValue(msgspec.Struct, frozen=True, tag="ask_value"):
    """The newest value of a metric for the target: a Measure."""

    number: int
    metric: str


class AskCourse(msgspec.Struct, frozen=True, tag="ask_course"):
    """The course of a metric for the target: a Series."""

    number: int
    metric: str
    seconds: float
    step_seconds: float


class AskEarlier(msgspec.Struct, frozen=True, tag="ask_earlier"):
    """The result of a step of the newest run of a task that succeeded for the target."""

    number: int
    task: str
    step: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    result: Result


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    code: str
    sentence: str
    step: str


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """The handler ended because it was cancelled."""


class Probed(msgspec.Struct, frozen=True, tag="probed"):
    """Whether the task took effect; None when nobody can tell."""

    took_effect: bool | None


Question = AskValue | AskCourse | AskEarlier
ToRunner = Begin | Kept | Cancel | Told
FromRunner = Ready | Line | Progress | StepDone | Finished | Failed | Stopped | Probed | Question

_encoder = msgspec.msgpack.Encoder()
_to_runner = msgspec.msgpack.Decoder(ToRunner)
_from_runner = msgspec.msgpack.Decoder(FromRunner)


def name(frame: ToRunner | FromRunner) -> str:
    return str(frame.__struct_config__.tag)


def pack(frame: ToRunner | FromRunner) -> bytes:
    body = _encoder.encode(frame)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


async def read_to_runner(reader: asyncio.StreamReader) -> ToRunner | None:
    """The next frame for a runner; None when the orchestrator has closed the pipe."""
    body = await _body(reader)
    return None if body is None else _to_runner.decode(body)


async def read_from_runner(reader: asyncio.StreamReader) -> FromRunner | None:
    """The next frame of a runner; None when it is gone, or says what no runner says."""
    body = await _body(reader)
    try:
        return None if body is None else _from_runner.decode(body)
    except msgspec.MsgspecError:
        return None


async def _body(reader: asyncio.StreamReader) -> bytes | None:
    try:
        length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        return await reader.readexactly(length) if length <= LARGEST_FRAME else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
