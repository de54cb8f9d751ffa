"""Reading the environment: every variable is looked up through here, and all mistakes are told at once.

A secret `NAME` may instead be given as `NAME_FILE`, the path of a file that holds it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from opsloop_common.subjects import Subjects, is_token

T = TypeVar("T")


class SettingsError(Exception):
    """What is missing or malformed, one line each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Environment:
    """Looks variables up and collects mistakes; call `check` when all are read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.mistakes: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._variables.get(name, "").strip() or default

    def required(self, name: str, purpose: str) -> str:
        """A variable or secret that must be there; `purpose` completes "NAME is missing: …"."""
        value = self.secret(name)
        if not value:
            self.mistakes.append(f"{name} is missing: {purpose} (or name a file that holds it in {name}_FILE)")
        return value

    def secret(self, name: str) -> str:
        """A secret, from NAME or from the file that NAME_FILE names. Both set is a mistake."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value and path:
            self.mistakes.append(f"{name} and {name}_FILE are both set: keep one")
        if not path:
            return value
        try:
            return Path(path).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            self.mistakes.append(f"{name}_FILE: cannot read {path}: {type(error).__name__}")
            return ""

    def port(self, name: str, default: int) -> int:
        return self._parsed(name, default, _port, "a port from 0 to 65535 (0 = any free one)")

    def seconds(self, name: str, default: float) -> float:
        return self._parsed(name, default, _positive, "a positive number of seconds")

    def count(self, name: str, default: int) -> int:
        return self._parsed(name, default, _count, "a whole number from 1 to 1000")

    def url(self, name: str, default: str = "") -> str:
        return self._parsed(name, default, _url, "a URL that starts with http:// or https://")

    def one_of(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self.mistakes.append(f"{name}={value!r} is not one of {', '.join(allowed)}")
        return value

    def root(self) -> Subjects:
        """OPSLOOP_ROOT, the first token of every subject."""
        root = self.text("OPSLOOP_ROOT", "ops")
        if not is_token(root):
            self.mistakes.append(f"OPSLOOP_ROOT={root!r} may hold letters, digits, '_' and '-' only")
        return Subjects(root)

    def secrets(self) -> tuple[str, ...]:
        """OPSLOOP_SECRET: one or more, separated by commas; the first signs, all verify (rotation)."""
        value = self.required("OPSLOOP_SECRET", "it signs buttons and message markers")
        found = tuple(part.strip() for part in value.split(",") if part.strip())
        if any(len(part) < 16 for part in found):
            self.mistakes.append("OPSLOOP_SECRET: each secret needs at least 16 characters")
        return found

    def check(self) -> None:
        """Raises SettingsError if anything was wrong."""
        if self.mistakes:
            raise SettingsError(self.mistakes)

    def _parsed(self, name: str, default: T, parse: Callable[[str], T], wanted: str) -> T:
        value = self.text(name)
        if not value:
            return default
        try:
            return parse(value)
        except ValueError:
            self.mistakes.append(f"{name}={value!r} is not {wanted}")
            return default


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service needs: where the broker is, where to listen, under which root.

    `nats_monitor_url` is where the broker tells how it is configured; empty for nowhere. `allow_unsynced`: a broker
    that does not sync each message is taken all the same.
    """

    nats_url: str
    host: str
    port: int
    subjects: Subjects
    log_level: str
    nats_monitor_url: str = ""
    allow_unsynced: bool = False


def service_settings(env: Environment, port_variable: str, default_port: int) -> ServiceSettings:
    return ServiceSettings(
        nats_url=env.text("NATS_URL", "nats://127.0.0.1:4222"),
        host=env.text("OPSLOOP_HOST", "127.0.0.1"),
        port=env.port(port_variable, default_port),
        subjects=env.root(),
        log_level=env.one_of("OPSLOOP_LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        nats_monitor_url=env.url("NATS_MONITOR_URL"),
        allow_unsynced=env.one_of("OPSLOOP_ALLOW_UNSYNCED", "0", ("0", "1")) == "1",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1000:
        raise ValueError
    return value


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError
    return text
