"""An append-only file of JSON lines, from which a noun's state is rebuilt after a restart."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

Record = TypeVar("Record")


class Journal(Generic[Record]):
    """Records of one type. A record is in the file, though not fsynced, when `append` returns."""

    def __init__(self, path: Path, record_type: type[Record]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(record_type)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, record: Record) -> None:
        """One write for the whole line, so that a killed process leaves at most the last line torn."""
        line = self._encoder.encode(record) + b"\n"
        while line:
            line = line[os.write(self._file, line) :]

    def replay(self) -> Iterator[Record]:
        """Every record, oldest first. Cuts off a torn last line, so that the next record starts on its own line."""
        whole = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                yield self._decoder.decode(line)
        os.ftruncate(self._file, whole)

    def close(self) -> None:
        os.close(self._file)
