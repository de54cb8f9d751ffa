""".env.example and compose.yaml name the variables that the code reads, and no others."""

import ast
import itertools
import re
from collections.abc import Iterator

from deploy.series import ROOT

EXAMPLE, COMPOSE = ROOT / ".env.example", ROOT / "compose.yaml"
OURS = re.compile(
    r"(OPSLOOP|SLACK|NATS|CLERK|PROMETHEUS|GRAFANA|PUBLIC|INGRESS|ORCHESTRATOR|NOTIFIER|METRICS|SANDBOX|DEALER|OTEL)_[A-Z_]+"
)
OF_TESTS = {"OPSLOOP_CRASH_AT", "OPSLOOP_CRASH_RECORD"}
"""What only tests set."""


def read_by_code() -> dict[str, str]:
    """Every variable that stands in the source as a literal, and a file where it does."""
    found: dict[str, str] = {}
    for folder in ("libs", "services"):
        for path in sorted((ROOT / folder).rglob("src/**/*.py")):
            for name in _names(ast.parse(path.read_text())):
                found.setdefault(name.removesuffix("_FILE"), str(path.relative_to(ROOT)))
    return {name: place for name, place in found.items() if name not in OF_TESTS}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and OURS.fullmatch(node.value):
            yield node.value


def in_example() -> set[str]:
    return set(re.findall(r"^#([A-Z][A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))


def in_compose() -> set[str]:
    """What compose.yaml reads itself, to put it in somewhere."""
    return set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()))


def test_the_example_has_every_variable() -> None:
    """What the code or compose.yaml reads is told; what is told is read."""
    read = read_by_code() | dict.fromkeys(in_compose(), "compose.yaml")
    missing = [f"{name}, read by {place}" for name, place in read.items() if name not in in_example()]
    assert missing == [], f"tell of it in .env.example, with a sentence: {'; '.join(missing)}"
    assert in_example() - set(read) == set(), "nobody reads these of .env.example"


def test_every_variable_has_its_sentence() -> None:
    """The line before says what it is for."""
    lines = EXAMPLE.read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"#[A-Z_]+=", line):
            assert re.fullmatch(r"# .*\.", before), f"no sentence before {line}"


def test_every_secret_has_its_file_in_compose() -> None:
    """What the example calls a secret is mounted as a file, and reaches no container by its value."""
    compose = COMPOSE.read_text()
    secrets = re.findall(r"^# .* A secret\.\n#([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert len(secrets) > 5
    for name in secrets:
        assert f"{name}_FILE: /run/secrets/{name.lower()}" in compose, name
        assert f"  {name}:" not in compose, name
