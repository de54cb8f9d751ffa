"""What an image installs: the part of requirements.lock that some members need, and which members those are.

    image_requirements.py opsloop-ingress        the requirements, with their hashes
    image_requirements.py --members opsloop-…    the members' names, one a line

It runs where an image is built, so it needs nothing but Python.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_ENTRY = re.compile(r"^[A-Za-z0-9].*(?:\n[ \t]+.*)*", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_VIA = re.compile(r"^ +# +(?:via +)?([A-Za-z0-9][A-Za-z0-9._-]*)$", re.MULTILINE)


def members(root: Path, wanted: Iterable[str]) -> set[str]:
    """The wanted members and every member that they depend on. Raises KeyError for one that is none."""
    needs = dict(_declared(path) for path in root.glob("*/*/pyproject.toml"))
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in needs[name] if other in needs]
    return found


def requirements(lock: str, installed: Iterable[str]) -> str:
    """The entries of the lock that these members need, directly or through another entry."""
    entries = _ENTRY.findall(lock)
    needed = set(installed)
    while True:
        kept = [entry for entry in entries if needed.intersection(_VIA.findall(entry))]
        names = {match.group() for entry in kept if (match := _NAME.match(entry))}
        if names <= needed:
            return "".join(f"{entry}\n" for entry in kept)
        needed |= names


def _declared(path: Path) -> tuple[str, list[str]]:
    project = tomllib.loads(path.read_text())["project"]
    return project["name"], [match.group() for text in project["dependencies"] if (match := _NAME.match(text))]


def main() -> None:
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    found = members(ROOT, names)
    if "--members" in sys.argv[1:]:
        print("\n".join(sorted(found)))
        return
    print(requirements((ROOT / "requirements.lock").read_text(), found), end="")


if __name__ == "__main__":
    main()
