"""A file system of a test's own, small enough to be filled."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

UNSHARE = shutil.which("unshare") or ""
NO_WAY = "this machine allows no file system of one's own (unshare --mount)"
WAYS = (("--user", "--map-root-user", "--mount"), ("--mount",))
"""As anybody where users may have namespaces of their own, else as root."""


def _way() -> tuple[str, ...]:
    """How to get a file system of one's own. Where there is none the test is skipped; a CI must have one."""
    for way in WAYS if UNSHARE else ():
        if subprocess.run([UNSHARE, *way, "true"], capture_output=True, check=False).returncode == 0:
            return (UNSHARE, *way)
    if os.environ.get("CI"):
        pytest.fail(NO_WAY)
    pytest.skip(NO_WAY)


class SmallDisk:
    """What is started with `within` before its words has, at `folder`, a disk that it shares with nobody."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        folder.mkdir()
        mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "{folder}" || exit 1; exec "$@"'
        self.within = (*_way(), "/bin/sh", "-c", mount, "sh")

    def inside(self, pid: int) -> Path:
        """The folder as that process sees it."""
        return Path(f"/proc/{pid}/root") / self.folder.relative_to("/")

    def fill(self, pid: int) -> None:
        with contextlib.suppress(OSError), (self.inside(pid) / "filler").open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass

    def free(self, pid: int) -> None:
        (self.inside(pid) / "filler").unlink()
