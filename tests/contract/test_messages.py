"""Golden messages: what was written once can be read for ever, and nothing written today looks different."""

from pathlib import Path

import msgspec
import pytest

from opsloop_common import codec, commands
from opsloop_common.codec import Undecodable

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_golden_message_reads_and_writes_unchanged(file: Path) -> None:
    """Decoded and encoded again, it is the same message, field by field."""
    payload = file.read_bytes()
    decode = codec.decode_command if ".cmd." in file.name else codec.decode_event
    message = decode(payload)
    assert msgspec.json.decode(codec.encode(message)) == msgspec.json.decode(payload)
    assert f"{message.type}.json" == file.name or file.name.startswith(message.type)


def test_every_command_has_a_golden_message() -> None:
    """A new command needs one."""
    assert {f"ops.cmd.{verb}.v1" for verb in commands.VERBS.values()} <= {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_unknown_fields_are_ignored(file: Path) -> None:
    """A newer version may add fields; an older reader does not mind."""
    message = msgspec.json.decode(file.read_bytes())
    message["later"] = 1
    message["data"]["later"] = {"a": [1]}
    decode = codec.decode_command if ".cmd." in file.name else codec.decode_event
    decode(msgspec.json.encode(message))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nothing",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"specversion":"0.3","id":"1","source":"x","type":"ops.cmd.help.v1","time":"2026-01-01T00:00:00Z",'
        b'"subject":"s","data":{}}',
        b'{"specversion":"1.0","id":"1","source":"x","type":"ops.cmd.dance.v1","time":"2026-01-01T00:00:00Z",'
        b'"subject":"s","data":{}}',
        b'{"specversion":"1.0","id":"1","source":"x","type":"ops.cmd.help.v1","time":"2026-01-01T00:00:00Z",'
        b'"subject":"s","data":{}}',
    ],
    ids=["empty", "text", "not-utf8", "deep", "old-specversion", "unknown-type", "fields-missing"],
)
def test_what_is_no_message_is_undecodable_and_never_another_error(payload: bytes) -> None:
    """Poison is recognised as such."""
    with pytest.raises(Undecodable):
        codec.decode_command(payload)
    with pytest.raises(Undecodable):
        codec.decode_event(payload)
