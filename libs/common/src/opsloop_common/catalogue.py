"""The catalogue (`opsloop.toml`): targets, task types, who may run what, who people are, the metrics of a target, and
the publishers of events.

It is read as a whole: every mistake is reported with file, line and key before anything starts.
"""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from opsloop_common import params, publishers
from opsloop_common.measures import Unit
from opsloop_common.params import Param
from opsloop_common.publishers import Publisher
from opsloop_common.subjects import is_token
from opsloop_common.task import Target

Effect = Literal["idempotent", "keyed", "at_most_once"]

CHAIN_AT_MOST = 5
"""Tasks in a chain of follow-ups, the first included."""
RESERVED_WORDS = frozenset({"status", "run", "tasks", "task", "help"})
"""Words of the slash command that a metric cannot have."""

DEFAULT_COMMAND = "/opsloop"


class Retry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a failed task is tried again by itself: `attempts` tries in all, with growing pauses between them.

    `not_for` lists the codes of failures that another try would not mend.
    """

    attempts: int = 3
    first_seconds: float = 2
    factor: float = 2
    longest_seconds: float = 60
    not_for: tuple[str, ...] = ()

    def pause_seconds(self, tries: int) -> float:
        """The pause after so many tries."""
        return min(self.longest_seconds, self.first_seconds * self.factor ** (tries - 1))


class TaskType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of task.

    `effect` says what may happen after a crash in the middle of a step: `idempotent` and `keyed` steps run again under
    the same key, an `at_most_once` task ends as unknown. `run_by` lists user ids and e-mail addresses of verified
    people, or "*" for everybody; a `sensitive` task is for verified people alone, whatever `run_by` says. `then` names
    the tasks that start on the same target when this one has succeeded. `settings` belong to the task pack.

    Times in seconds, 0 for no limit. `start_within_seconds` counts from the request to the start, the wait in line
    included; without it the orchestrator's own limit counts from when it is the task's turn. `timeout_seconds` is for
    one attempt, `total_seconds` for all attempts together since a person asked. A running task that gives no sign of
    life (progress, a step, a log line) is shown as stalled after `stalled_after_seconds` and stopped after
    `heartbeat_seconds`. `probe_seconds` is how long it is asked whether a lost task took effect.
    """

    name: str
    title: str
    description: str = ""
    effect: Effect = "at_most_once"
    start_within_seconds: float | None = None
    timeout_seconds: float = 300
    heartbeat_seconds: float = 0
    total_seconds: float = 0
    stalled_after_seconds: float = 30
    probe_seconds: float = 30
    retry: Retry = Retry(attempts=1)
    sensitive: bool = False
    run_by: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    cancel_grace_seconds: float = 5
    params: dict[str, Param] = {}
    settings: dict[str, Any] = {}

    @property
    def asks_who(self) -> bool:
        """Whether it matters who somebody is, beyond their user id."""
        return self.sensitive or any("@" in entry for entry in self.run_by)


class Access(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who people are, and whom to ask.

    `verified` lists the e-mail addresses of verified people; it counts where there is no identity provider. `owners`
    (user ids, or e-mail addresses of verified people) may retry and cancel what others started. `contact` completes
    the sentence "Ask …".
    """

    verified: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    contact: str = ""


class Metric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number about a target. `query` is PromQL with `$target` where the value of a label stands.

    `word` is the word of the slash command that shows the metric with its course; empty for none.
    """

    name: str
    title: str
    unit: Unit
    query: str
    word: str = ""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What can be run, on what, by whom. Names are the keys of the tables."""

    command: str
    tasks: dict[str, TaskType]
    targets: dict[str, Target]
    metrics: dict[str, Metric] = {}
    access: Access = Access()
    publishers: dict[str, Publisher] = {}

    @property
    def metric_words(self) -> dict[str, str]:
        """The slash command's words for metrics, with the metrics' names."""
        return {metric.word: metric.name for metric in self.metrics.values() if metric.word}


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
        self._unknown_keys(document, ("command", "tasks", "targets", "metrics", "access", "publishers"), "")
        command = self._table(document.get("command", {}), "command")
        self._unknown_keys(command, ("name",), "command")
        found = Catalogue(
            command=self._command_name(command.get("name", DEFAULT_COMMAND)),
            tasks=self._entries(document, "tasks", TaskType),
            targets=self._entries(document, "targets", Target),
            metrics=self._entries(document, "metrics", Metric) if "metrics" in document else {},
            access=self._access(document),
            publishers=self._entries(document, "publishers", Publisher) if "publishers" in document else {},
        )
        self._chains(found.tasks, set(self._table(document.get("tasks", {}), "tasks")))
        self._words(found.metrics)
        self._publishers(found, set(self._table(document.get("targets", {}), "targets")))
        return found

    def _access(self, document: dict[str, Any]) -> Access:
        table = self._table(document.get("access", {}), "access")
        values = self._values(table, Access, "access")
        return Access(**values)

    def _chains(self, tasks: dict[str, TaskType], names: set[str]) -> None:
        """Follow-ups exist, take no parameter that must be given, and end."""
        for task in tasks.values():
            for name in task.then:
                if name not in names:
                    close = difflib.get_close_matches(name, names, n=1)
                    hint = f"; did you mean {close[0]!r}?" if close else ""
                    self._mistake(f"tasks.{task.name}.then", f"there is no task {name!r}{hint}")
                elif name in tasks and params.problems({}, tasks[name].params):
                    self._mistake(
                        f"tasks.{task.name}.then",
                        f"{name!r} cannot follow: give each of its parameters a default, for nobody enters them",
                    )
            if (problem := _chain_problem(task.name, tasks)) and not _is_in_chain_of_another(task.name, tasks):
                self._mistake(f"tasks.{task.name}.then", problem)

    def _publishers(self, found: Catalogue, targets: set[str]) -> None:
        for publisher in found.publishers.values():
            for field, problem in publishers.problems(publisher, targets, set(found.tasks)):
                self._mistake(f"publishers.{publisher.name}.{field}".rstrip("."), problem)

    def _words(self, metrics: dict[str, Metric]) -> None:
        taken: dict[str, str] = {}
        for metric in metrics.values():
            if not metric.word:
                continue
            path = f"metrics.{metric.name}.word"
            if re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", metric.word) is None:
                self._mistake(path, f"{metric.word!r} is not a word: a letter, then up to 30 of a-z, 0-9, '-', '_'")
            elif metric.word in RESERVED_WORDS:
                self._mistake(path, f"{metric.word!r} already means something else in the slash command")
            elif metric.word in taken:
                self._mistake(path, f"{metric.word!r} is the word of {taken[metric.word]} already")
            taken[metric.word] = metric.name

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
        values = self._values(table, struct, path)
        if len(self.mistakes) > before:
            return None
        return struct(name=name, **values)

    def _values(self, table: dict[str, Any], struct: type[msgspec.Struct], path: str) -> dict[str, Any]:
        fields = [field for field in msgspec.structs.fields(struct) if field.name != "name"]
        self._unknown_keys(table, (*(field.name for field in fields), "name"), path)
        values = {field.name: self._field(table, field, path) for field in fields}
        return {key: value for key, value in values.items() if value is not msgspec.UNSET}

    def _field(self, table: dict[str, Any], field: msgspec.structs.FieldInfo, path: str) -> object:
        key = f"{path}.{field.name}"
        if field.name not in table:
            if field.required:
                self._mistake(key, f"{field.name} is missing", at=path)
            return msgspec.UNSET
        if field.name == "params":
            return self._params(self._table(table[field.name], key), key)
        if field.name == "retry":
            return self._retry(self._table(table[field.name], key), key)
        try:
            value = msgspec.convert(table[field.name], field.type)
        except msgspec.ValidationError as error:
            self._mistake(key, f"{error}{_choices(field.type)}")
            return msgspec.UNSET
        if problem := _problem(field.name, value) or publishers.field_problem(field.name, value):
            self._mistake(key, problem)
        return value

    def _params(self, table: dict[str, Any], path: str) -> dict[str, Param]:
        found: dict[str, Param] = {}
        for name, value in table.items():
            before, key = len(self.mistakes), f"{path}.{name}"
            if not is_token(name):
                self._mistake(key, f"the name {name!r} may hold letters, digits, '-' and '_' only (1 to 64)")
            values = self._values(self._table(value, key), Param, key)
            if len(self.mistakes) > before:
                continue
            param = Param(**values)
            if problem := _param_problem(param):
                self._mistake(key, problem)
            found[name] = param
        return found

    def _retry(self, table: dict[str, Any], path: str) -> Retry:
        before = len(self.mistakes)
        values = self._values(table, Retry, path)
        if len(self.mistakes) > before:
            return Retry()
        retry = Retry(**values)
        if retry.longest_seconds < retry.first_seconds:
            self._mistake(
                f"{path}.longest_seconds",
                f"{retry.longest_seconds:g} is less than first_seconds, which is {retry.first_seconds:g}",
                at=path,
            )
        return retry

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


class _Limit(msgspec.Struct, frozen=True):
    """The range of a number; `least` itself counts unless it is `open`."""

    least: float
    most: float
    unit: str = " seconds"
    open: bool = False

    def problem(self, value: float | None) -> str:
        if value is None or (self.least <= value <= self.most and not (self.open and value == self.least)):
            return ""
        return f"{value!r} is not between {self.least:g} and {self.most:.0f}{self.unit}"


_WEEK = 7 * 24 * 3600
_LIMITS = {
    "start_within_seconds": _Limit(0, _WEEK, open=True),
    "timeout_seconds": _Limit(0, _WEEK, open=True),
    "heartbeat_seconds": _Limit(0, _WEEK),
    "total_seconds": _Limit(0, _WEEK),
    "stalled_after_seconds": _Limit(0, _WEEK),
    "probe_seconds": _Limit(0, 600, open=True),
    "cancel_grace_seconds": _Limit(0, 600),
    "attempts": _Limit(1, 20, unit=""),
    "first_seconds": _Limit(0, _WEEK, open=True),
    "longest_seconds": _Limit(0, _WEEK, open=True),
    "factor": _Limit(1, 10, unit=""),
}


def _choices(type_: object) -> str:
    return f"; known are {', '.join(get_args(type_))}" if get_origin(type_) is Literal else ""


def _problem(field: str, value: Any) -> str:
    """What is wrong with a value of the right type; empty when nothing is."""
    if field in _LIMITS:
        return _LIMITS[field].problem(value)
    if field in ("run_by", "owners", "press_by"):
        return _people_problem(value)
    if field == "verified":
        return next((f"{entry!r} is not an e-mail address" for entry in value if not _is_address(entry)), "")
    return query_problem(value) if field == "query" else ""


def _people_problem(entries: tuple[str, ...]) -> str:
    for entry in entries:
        if entry != "*" and not _is_address(entry) and re.fullmatch(r"[A-Z0-9]{2,32}", entry) is None:
            return f"{entry!r} is nobody: write a user id (U…), an e-mail address, or '*' for everybody"
    return ""


def _is_address(text: str) -> bool:
    return re.fullmatch(r"[^\s@]+@[^\s@]+", text) is not None


def _param_problem(param: Param) -> str:
    if param.kind == "choice" and not param.choices:
        return "a choice needs choices"
    if param.minimum > param.maximum:
        return f"minimum {param.minimum:g} is more than maximum {param.maximum:g}"
    if param.default and (problem := params.problem_of(param.default, param)):
        return f"the default {param.default!r} does not fit: {problem}"
    return ""


def _chain_problem(name: str, tasks: dict[str, TaskType], before: tuple[str, ...] = ()) -> str:
    """Why the chain that starts with a task does not end, or not soon enough; empty when it does."""
    path = (*before, name)
    if name in before:
        return f"the follow-ups go in a circle: {' -> '.join(path[path.index(name) :])}"
    if len(path) > CHAIN_AT_MOST:
        return f"a chain has at most {CHAIN_AT_MOST} tasks: {' -> '.join(path)}"
    then = tasks[name].then if name in tasks else ()
    return next((problem for one in then if (problem := _chain_problem(one, tasks, path))), "")


def _is_in_chain_of_another(name: str, tasks: dict[str, TaskType]) -> bool:
    """Whether the problem of this chain is told already, at a task that comes before in the catalogue."""
    earlier = list(tasks)[: list(tasks).index(name)]
    return any(_leads_to(one, name, tasks, set()) for one in earlier)


def _leads_to(start: str, wanted: str, tasks: dict[str, TaskType], seen: set[str]) -> bool:
    if start in seen or start not in tasks:
        return False
    seen.add(start)
    return wanted in tasks[start].then or any(_leads_to(one, wanted, tasks, seen) for one in tasks[start].then)


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
