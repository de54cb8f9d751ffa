"""What the orchestrator and its runner processes say to each other: msgpack structs, each behind its length."""

import asyncio

import msgspec

from opsloop_common.task import Result, Target

LENGTH_BYTES = 4
LARGEST_FRAME = 4 * 1024 * 1024


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag="begin"):
    """Run a task. `kept` holds the results of steps that an earlier process of this attempt finished, as JSON."""

    task: str
    task_id: str
    attempt: int
    fence: int
    target: Target
    params: dict[str, str]
    secrets: dict[str, str]
    kept: dict[str, bytes]


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """The step's result is safe: go on."""

    step: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The runner has loaded its task packs; `broken` maps the tasks that could not be loaded to the reason."""

    tasks: tuple[str, ...]
    broken: dict[str, str] = {}


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


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    result: Result


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    code: str
    sentence: str
    step: str


ToRunner = Begin | Kept
FromRunner = Ready | Line | Progress | StepDone | Finished | Failed

_encoder = msgspec.msgpack.Encoder()
_to_runner = msgspec.msgpack.Decoder(ToRunner)
_from_runner = msgspec.msgpack.Decoder(FromRunner)


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
