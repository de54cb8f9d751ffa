"""The data folder: ours alone, one user at a time, with secrets that outlive a run.

A marker file says that a folder is ours and what lives in it; nothing is deleted where it is missing.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from opsloop_common.runtime import CannotStart

MARKER = "opsloop-data"
LOCK = "lock"
KEPT = (MARKER, LOCK)
DEFAULT = ".opsloop"


class DataFolder:
    """Use as a context: inside, the folder is locked. Raises CannotStart with a line that says what to do."""

    def __init__(self, path: Path, purpose: str) -> None:
        self.path = path.absolute()
        self._purpose = purpose
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_foreign()
            self._take_lock()
            (self.path / MARKER).write_text(self._purpose + "\n")
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            self._release()
            reason = error.strerror or type(error).__name__
            raise CannotStart(
                f"cannot write to {self.path} ({reason}): name another folder with --data or OPSLOOP_DATA"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def clear(self) -> None:
        """Deletes what earlier runs left, and nothing outside. Only inside the context. Raises CannotStart."""
        try:
            for entry in self.path.iterdir():
                if entry.name in KEPT:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise CannotStart(f"cannot clear {self.path}: {error.strerror or error}") from error

    def secret(self, name: str, prefix: str = "") -> str:
        """A secret that is generated once and kept in a file of its own, readable by its owner alone."""
        path = self.path / name
        with contextlib.suppress(FileNotFoundError):
            if kept := path.read_text().strip():
                return kept
        value = prefix + secrets.token_hex(24)
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(value + "\n")
        unfinished.replace(path)
        return value

    def _refuse_foreign(self) -> None:
        names = {entry.name for entry in self.path.iterdir()}
        if names and MARKER not in names:
            raise CannotStart(f"{self.path} holds files that are not ours: name an empty or new folder with --data")
        if MARKER in names and (found := (self.path / MARKER).read_text().strip()) != self._purpose:
            raise CannotStart(
                f"{self.path} holds the data of `opsloop {found}`: name another folder with --data or OPSLOOP_DATA"
            )

    def _take_lock(self) -> None:
        self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._lock, 32).decode(errors="replace").strip() or "unknown"
            raise CannotStart(
                f"{self.path} is in use by process {holder}: stop that one, or name another folder with --data"
            ) from error
        os.ftruncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()}\n".encode())

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
