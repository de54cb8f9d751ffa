"""The catalogue (`opsloop.toml`): targets, task types, who may run what, and the metrics of a target.

It is read as a whole: every mistake is reported with file, line and key before anything starts.
"""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from opsloop_common.events import Unit
from opsloop_common.subjects import is_token
from opsloop_common.task import Target

Effect = Literal["idempotent", "keyed", "at_most_once"]

DEFAULT_COMMAND = "/opsloop"


class TaskType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of task.

    `effect` says what may happen after a crash in the middle of a step: `idempotent` and `keyed` steps run again under
    the same key, an `at_most_once` task ends as unknown. `run_by` lists user ids, or "*" for everybody.
    """

    name: str
    title: str
    description: str = ""
    effect: Effect = "at_most_once"
    timeout_seconds: float = 300
    sensitive: bool = False
    run_by: tuple[str, ...] = ()


class Metric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number about a target. `query` is PromQL with `$target` where the value of a label stands."""

    name: str
    title: str
    unit: Unit
    query: str


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What can be run, on what, by whom. Names are the keys of the tables."""

    command: str
    tasks: dict[str, TaskType]
    targets: dict[str, Target]
    metrics: dict[str, Metric] = {}


class CatalogueError(Exception):
    """Every mistake in the catalogue, one line each: file, line, key, what is wrong and what would be right."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def load(path: Path) -> Catalogue:
    """Reads and validates the catalogue. Raises CatalogueError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CatalogueError([f"{path}: cannot read the catalogue: {reason}"]) from error
    return parse(text, str(path))


def parse(text: str, file: str) -> Catalogue:
    """The catalogue in `text`; `file` is its name in mistakes. Raises CatalogueError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError([f"{file}: not valid TOML: {error}"]) from error
    reading = _Reading(file, _lines_of_keys(text))
    found = reading.catalogue(document)
    if reading.mistakes:
        raise CatalogueError([line for _, line in sorted(reading.mistakes)])
    return found


def nearest(given: str, names: list[str]) -> tuple[str, ...]:
    """Up to three names that look like the given one, best first."""
    lowered = given.lower()
    close = difflib.get_close_matches(lowered, names, n=3, cutoff=0.5)
    containing = [name for name in names if len(lowered) > 2 and (lowered in name or name in lowered)]
    return tuple(dict.fromkeys(close + containing))[:3]


class _Reading:
    """One pass over the document; collects mistakes instead of stopping at the first."""

    def __init__(self, file: str, lines: dict[str, int]) -> None:
        self._file = file
        self._lines = lines
        self.mistakes: list[tuple[int, str]] = []

    def catalogue(self, document: dict[str, Any]) -> Catalogue:
        self._unknown_keys(document, ("command", "tasks", "targets", "metrics"), "")
        command = self._table(document.get("command", {}), "command")
        self._unknown_keys(command, ("name",), "command")
        return Catalogue(
            command=self._command_name(command.get("name", DEFAULT_COMMAND)),
            tasks=self._entries(document, "tasks", TaskType),
            targets=self._entries(document, "targets", Target),
            metrics=self._entries(document, "metrics", Metric) if "metrics" in document else {},
        )

    def _command_name(self, name: object) -> str:
        if isinstance(name, str) and re.fullmatch(r"/[a-z0-9_-]{1,31}", name):
            return name
        self._mistake("command.name", f"{name!r} is not a command: a slash, then up to 31 of a-z, 0-9, '-', '_'")
        return DEFAULT_COMMAND

    def _entries(self, document: dict[str, Any], key: str, struct: type[msgspec.Struct]) -> dict[str, Any]:
        table = self._table(document.get(key, {}), key)
        if not table:
            self._mistake(key, f"no {key}: add at least one table [{key}.<name>]")
        entries = {name: self._entry(name, value, f"{key}.{name}", struct) for name, value in table.items()}
        return {name: entry for name, entry in entries.items() if entry is not None}

    def _entry(self, name: str, value: object, path: str, struct: type[msgspec.Struct]) -> msgspec.Struct | None:
        before = len(self.mistakes)
        if not is_token(name):
            self._mistake(path, f"the name {name!r} may hold letters, digits, '-' and '_' only (1 to 64)")
        table = self._table(value, path)
        if "name" in table:
            self._mistake(f"{path}.name", "the name is the table's key: remove this line")
        fields = [field for field in msgspec.structs.fields(struct) if field.name != "name"]
        self._unknown_keys(table, (*(field.name for field in fields), "name"), path)
        values = {field.name: self._field(table, field, path) for field in fields}
        if len(self.mistakes) > before:
            return None
        return struct(name=name, **{key: value for key, value in values.items() if value is not msgspec.UNSET})

    def _field(self, table: dict[str, Any], field: msgspec.structs.FieldInfo, path: str) -> object:
        key = f"{path}.{field.name}"
        if field.name not in table:
            if field.required:
                self._mistake(key, f"{field.name} is missing", at=path)
            return msgspec.UNSET
        try:
            value = msgspec.convert(table[field.name], field.type)
        except msgspec.ValidationError as error:
            self._mistake(key, f"{error}{_choices(field.type)}")
            return msgspec.UNSET
        if problem := _problem(field.name, value):
            self._mistake(key, problem)
        return value

    def _table(self, value: object, path: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self._mistake(path, f"must be a table, not {type(value).__name__}")
        return {}

    def _unknown_keys(self, table: dict[str, Any], known: tuple[str, ...], path: str) -> None:
        for key in table:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
                self._mistake(f"{path}.{key}".lstrip("."), f"unknown key; {hint}")

    def _mistake(self, key: str, text: str, at: str = "") -> None:
        line = self._lines.get(key) or self._lines.get(at) or self._nearest_line(key)
        self.mistakes.append((line, f"{self._file}:{line}: {key}: {text}"))

    def _nearest_line(self, key: str) -> int:
        while "." in key:
            key = key.rpartition(".")[0]
            if key in self._lines:
                return self._lines[key]
        return 1


def _choices(type_: object) -> str:
    return f"; known are {', '.join(get_args(type_))}" if get_origin(type_) is Literal else ""


def _problem(field: str, value: Any) -> str:
    """What is wrong with a value of the right type; empty when nothing is."""
    if field == "timeout_seconds" and not 0 < value <= 7 * 24 * 3600:
        return f"{value!r} is not between 0 and 604800 seconds"
    return query_problem(value) if field == "query" else ""


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`', re.DOTALL)
_BRACES = re.compile(r"\{[^{}]*\}")
_MATCHER = re.compile(r"[{,]\s*[A-Za-z_][A-Za-z0-9_]*\s*=\s*\$target\s*(?=[,}])")


def query_problem(query: str) -> str:
    """What is wrong with a metric's query; empty when `$target` stands exactly where label values do.

    PromQL itself is not checked here: that is for the server it is sent to.
    """
    bare = _STRING.sub("_", query)
    if any(quote in bare for quote in "\"'`"):
        return "a quote is not closed"
    if "#" in bare:
        return "a comment ('#') cannot stand in a query"
    placed = sum(len(_MATCHER.findall(braces)) for braces in _BRACES.findall(bare))
    if placed == 0 or placed != bare.count("$") or query.count("$target") != placed:
        return "write $target, unquoted, as the value of a label and nowhere else: name{label=$target}"
    return ""


_TABLE = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")


def _lines_of_keys(text: str) -> dict[str, int]:
    """The line of every table header and key. tomllib keeps no positions; names with quoted dots are approximate."""
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _plain(header[1])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault(f"{table}.{_plain(key[1])}".lstrip("."), number)
    return lines


def _plain(dotted: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in dotted.split("."))
