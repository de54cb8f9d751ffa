"""Writes the lock: requirements.lock with hashes, and its versions as constraints in pyproject.toml.

The lock names no package index, so that a mirror serves as well. `--check` changes nothing and fails when the two
files or the declared dependencies disagree.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
EXPORT = ["uv", "export", "--all-packages", "--all-groups", "--no-emit-workspace", "--no-emit-index-url", "--no-header"]

_PINNED = re.compile(r"^([A-Za-z0-9._-]+==[^\s;]+(?: ; [^\\\n]+?)?) \\$", re.MULTILINE)
_CONSTRAINTS = re.compile(r"(?<=constraint-dependencies = )\[[^\]]*\]")


def constraints(lock: str) -> str:
    """The versions of the lock as a TOML array."""
    pins = sorted(set(_PINNED.findall(lock)))
    return "[\n" + "".join(f'    "{pin}",\n' for pin in pins) + "]"


def export() -> str:
    finished = subprocess.run(EXPORT, cwd=ROOT, check=True, capture_output=True, text=True)
    return finished.stdout


def write() -> None:
    """Resolves anew, without the old constraints, and writes both files."""
    (ROOT / "uv.lock").unlink(missing_ok=True)
    PROJECT.write_text(_CONSTRAINTS.sub("[]", PROJECT.read_text()))
    lock = export()
    LOCK.write_text(lock)
    PROJECT.write_text(_CONSTRAINTS.sub(lambda _: constraints(lock), PROJECT.read_text()))


def check() -> list[str]:
    """What disagrees, one line each."""
    lock = LOCK.read_text()
    found = []
    if constraints(lock) not in PROJECT.read_text():
        found.append("pyproject.toml: constraint-dependencies are not the versions of requirements.lock")
    if export() != lock:
        found.append("requirements.lock is not what the declared dependencies resolve to")
    return [f"{line}: run `just lock`" for line in found]


def main() -> None:
    if "--check" not in sys.argv[1:]:
        write()
        return
    if problems := check():
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
