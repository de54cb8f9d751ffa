"""The little of PromQL that the sandbox's Prometheus understands: selectors with `=` and `!=`, `timestamp()`,
`label_replace()` with empty source and pattern, and `or`. Anything else is a parse error."""

import re
from collections.abc import Callable, Iterator

import msgspec

LOOKBACK_SECONDS = 300.0

Labels = dict[str, str]


class ParseError(ValueError):
    """The query is none, or more than the sandbox understands."""


class Sample(msgspec.Struct, frozen=True):
    """A series at some time: its newest sample's value and the time of that, in Unix seconds."""

    labels: Labels
    value: float
    at: float


Series = Callable[[float], list[Sample]]
"""Everything there is to select from, at a Unix time."""


class Matcher(msgspec.Struct, frozen=True):
    label: str
    equal: bool
    value: str


class Selector(msgspec.Struct, frozen=True):
    matchers: tuple[Matcher, ...]

    def evaluate(self, series: Series, at: float) -> list[Sample]:
        return [sample for sample in series(at) if self._takes(sample) and at - sample.at < LOOKBACK_SECONDS]

    def _takes(self, sample: Sample) -> bool:
        return all((sample.labels.get(m.label, "") == m.value) is m.equal for m in self.matchers)


class Timestamp(msgspec.Struct, frozen=True):
    """The sample's own time for a selector, that of the evaluation for anything else, as in Prometheus."""

    of: "Query"

    def evaluate(self, series: Series, at: float) -> list[Sample]:
        own = isinstance(self.of, Selector)
        return [
            Sample(_nameless(sample.labels), sample.at if own else at, at) for sample in self.of.evaluate(series, at)
        ]


class LabelReplace(msgspec.Struct, frozen=True):
    of: "Query"
    label: str
    value: str

    def evaluate(self, series: Series, at: float) -> list[Sample]:
        return [
            Sample({**sample.labels, self.label: self.value}, sample.value, at)
            for sample in self.of.evaluate(series, at)
        ]


class Or(msgspec.Struct, frozen=True):
    left: "Query"
    right: "Query"

    def evaluate(self, series: Series, at: float) -> list[Sample]:
        left = self.left.evaluate(series, at)
        there = [_nameless(sample.labels) for sample in left]
        right = self.right.evaluate(series, at)
        return left + [sample for sample in right if _nameless(sample.labels) not in there]


Query = Selector | Timestamp | LabelReplace | Or


def _nameless(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if name != "__name__"}


def parse(text: str) -> Query:
    """Raises ParseError."""
    return _Parser(text).query()


_TOKEN = re.compile(r'\s*(?:([A-Za-z_:][A-Za-z0-9_:]*)|("(?:[^"\\\n]|\\.)*")|(!=|[=(){},]))')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ""]

    def query(self) -> Query:
        found = self._alternatives()
        if self._tokens[0]:
            raise ParseError(f"unexpected {self._tokens[0]}")
        return found

    def _alternatives(self) -> Query:
        found = self._term()
        while self._tokens[0] == "or":
            self._next()
            found = Or(found, self._term())
        return found

    def _term(self) -> Query:
        name = self._next() if self._tokens[0] != "{" else ""
        if self._tokens[0] == "(":
            return self._call(name)
        if name and not re.match(r"[A-Za-z_:]", name):
            raise ParseError(f"unexpected {name}")
        matchers = self._matchers() if self._tokens[0] == "{" else ()
        named = (Matcher("__name__", True, name),) if name else ()
        if not any(matcher.equal and matcher.value for matcher in (*named, *matchers)):
            raise ParseError("vector selector must contain at least one non-empty matcher")
        return Selector((*named, *matchers))

    def _call(self, name: str) -> Query:
        self._expect("(")
        of = self._alternatives()
        if name == "timestamp":
            self._expect(")")
            return Timestamp(of)
        if name != "label_replace":
            raise ParseError(f"unknown function with name {name!r}")
        label, value, source, pattern = (self._argument() for _ in range(4))
        self._expect(")")
        if source or pattern or "$" in value:
            raise ParseError("the sandbox replaces labels without source and pattern only")
        return LabelReplace(of, label, value)

    def _argument(self) -> str:
        self._expect(",")
        return _unquoted(self._next())

    def _matchers(self) -> tuple[Matcher, ...]:
        self._expect("{")
        found: list[Matcher] = []
        while self._tokens[0] != "}":
            label, operator = self._next(), self._next()
            if operator not in ("=", "!="):
                raise ParseError(f"unexpected {operator or 'end of input'} inside braces")
            found.append(Matcher(label, operator == "=", _unquoted(self._next())))
            if self._tokens[0] != "}":
                self._expect(",")
        self._expect("}")
        return tuple(found)

    def _next(self) -> str:
        if not self._tokens[0]:
            raise ParseError("unexpected end of input")
        return self._tokens.pop(0)

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise ParseError(f"unexpected {found}, expected {token}")


def _tokens(text: str) -> Iterator[str]:
    if not text.strip():
        raise ParseError("no expression found in input")
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ParseError(f"unexpected character: {text[at:].strip()[0]!r}")
        yield match[0].strip()
        at = match.end()


def _unquoted(token: str) -> str:
    if not token.startswith('"'):
        raise ParseError(f"unexpected {token}, expected string")
    for escape in _ESCAPE.findall(token[1:-1]):
        if escape not in _ESCAPED:
            raise ParseError(f"unknown escape sequence \\{escape}")
    return _ESCAPE.sub(lambda match: _ESCAPED[match[1]], token[1:-1])
