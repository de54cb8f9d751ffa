"""A file system of a test's own, small enough to be filled."""

import contextlib
import shutil
import subprocess
from pathlib import Path

UNSHARE = shutil.which("unshare") or ""


def can_mount() -> bool:
    return bool(UNSHARE) and (
        subprocess.run(
            [UNSHARE, "--user", "--map-root-user", "--mount", "true"], capture_output=True, check=False
        ).returncode
        == 0
    )


class SmallDisk:
    """What is started with `within` before its words has, at `folder`, a disk that it shares with nobody."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        folder.mkdir()
        mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "{folder}" || exit 1; exec "$@"'
        self.within = (UNSHARE, "--user", "--map-root-user", "--mount", "/bin/sh", "-c", mount, "sh")

    def inside(self, pid: int) -> Path:
        """The folder as that process sees it."""
        return Path(f"/proc/{pid}/root") / self.folder.relative_to("/")

    def fill(self, pid: int) -> None:
        with contextlib.suppress(OSError), (self.inside(pid) / "filler").open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass

    def free(self, pid: int) -> None:
        (self.inside(pid) / "filler").unlink()
