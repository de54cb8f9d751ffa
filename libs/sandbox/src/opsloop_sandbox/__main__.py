"""Starts the sandbox: reads the environment, binds the port, serves until SIGTERM."""

import asyncio
import ipaddress
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from opsloop_common import catalogue
from opsloop_sandbox.app import Options, build_app
from opsloop_sandbox.backstage import App
from opsloop_sandbox.endpoint import Network
from opsloop_sandbox.server import bind, serve


class SettingsError(Exception):
    """One line that says which variable to set, and to what."""


def _required(environment: Mapping[str, str], name: str) -> str:
    """Every secret may also come as the name of a file that holds it."""
    value, file_name = environment.get(name), environment.get(f"{name}_FILE")
    if value and file_name:
        raise SettingsError(f"set {name} or {name}_FILE, not both")
    if file_name:
        try:
            value = Path(file_name).read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            raise SettingsError(f"{name}_FILE: {error.strerror}: {file_name}") from error
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _optional(environment: Mapping[str, str], name: str) -> str:
    return _required(environment, name) if environment.get(name) or environment.get(f"{name}_FILE") else ""


def _port(environment: Mapping[str, str]) -> int:
    given = environment.get("SANDBOX_PORT", "8090")
    if not given.isdecimal() or int(given) > 65535:
        raise SettingsError(f"SANDBOX_PORT must be a port, 0 for any free one, not {given!r}")
    return int(given)


def _switch(environment: Mapping[str, str], name: str) -> bool:
    given = environment.get(name, "on")
    if given not in ("on", "off"):
        raise SettingsError(f"{name} must be on or off, not {given!r}")
    return given == "on"


def _neighbours(environment: Mapping[str, str]) -> tuple[Network, ...]:
    """Networks, separated by commas."""
    given = environment.get("SANDBOX_NEIGHBOURS", "")
    try:
        return tuple(ipaddress.ip_network(part) for part in given.split(",") if part)
    except ValueError as error:
        raise SettingsError(f"SANDBOX_NEIGHBOURS: {error}") from error


def _app(environment: Mapping[str, str]) -> App:
    """What the page offers to type, from the catalogue if there is one to read; it is for the services to complain."""
    path = environment.get("OPSLOOP_CONFIG")
    if not path:
        return App()
    try:
        found = catalogue.load(Path(path))
    except catalogue.CatalogueError:
        return App()
    return App(found.command, tuple(found.tasks))


async def _run(environment: Mapping[str, str]) -> None:
    host = environment.get("OPSLOOP_HOST", "127.0.0.1")
    port = _port(environment)
    try:
        listener = bind(host, port)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}; set SANDBOX_PORT") from error
    shown_host = f"[{host}]" if ":" in host else host
    url = f"http://{shown_host}:{listener.getsockname()[1]}"
    supervisor = environment.get("SANDBOX_SUPERVISOR")
    options = Options(
        base_url=url,
        app_url=environment.get("SANDBOX_APP_URL", "http://127.0.0.1:8080"),
        directory=Path(environment.get("OPSLOOP_DATA", ".opsloop")) / "sandbox",
        signing_secret=_required(environment, "SLACK_SIGNING_SECRET"),
        bot_token=_required(environment, "SLACK_BOT_TOKEN"),
        app_token=_optional(environment, "SLACK_APP_TOKEN"),
        clerk_key=_optional(environment, "CLERK_SECRET_KEY"),
        content_token=_optional(environment, "DEALER_CONTENT_TOKEN"),
        rate_limits=_switch(environment, "SANDBOX_RATE_LIMITS"),
        nats_url=environment.get("NATS_URL", ""),
        supervisor=Path(supervisor) if supervisor else None,
        app=_app(environment),
        neighbours=_neighbours(environment),
    )
    async with aiohttp.ClientSession(trust_env=False) as session:
        await serve(build_app(options, session), listener, url)


def main() -> None:
    """Exit status 2 with one line on stderr if the settings are wrong or the port is taken."""
    try:
        asyncio.run(_run(os.environ))
    except SettingsError as error:
        print(f"opsloop-sandbox: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
