"""`opsloop demo`: everything on this machine, with a local Slack."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from opsloop_cli import embedded, plan, screen
from opsloop_cli.arguments import Arguments
from opsloop_cli.backstage import open_door
from opsloop_cli.folder import DEFAULT, DataFolder
from opsloop_cli.plan import SANDBOX, SERVICES, SHIPPED_CATALOGUE, Program, Secrets
from opsloop_cli.ports import Ports, choose
from opsloop_cli.stack import Stack, running
from opsloop_common import catalogue
from opsloop_common.catalogue import Catalogue, CatalogueError
from opsloop_common.settings import Environment, SettingsError
from opsloop_common.subjects import Subjects

CATALOGUE = "opsloop.toml"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A demo that is ready to start."""

    programs: tuple[Program, ...]
    ports: Ports
    catalogue: Catalogue


async def run(environment: Mapping[str, str], asked: Arguments) -> int:
    """Runs until cancelled. Raises CannotStart, SettingsError."""
    env = Environment(environment)
    path = Path(asked.data or env.text("OPSLOOP_DATA", DEFAULT))
    with DataFolder(path, "demo") as folder:
        if asked.fresh:
            folder.clear()
        prepared = prepare(environment, folder, catalogue_path(env))
        try:
            async with started(prepared, folder) as stack:
                found = prepared.catalogue
                targets = tuple(found.targets)
                print(screen.demo(prepared.ports, folder.path, found.command, targets, stack.ready_seconds), flush=True)
                await stack.hold()
        except asyncio.CancelledError:
            print(screen.stopped(folder.path), flush=True)
            raise
    return 0


def catalogue_path(env: Environment) -> Path:
    """OPSLOOP_CONFIG, else `opsloop.toml` here, else the one we ship."""
    if named := env.text("OPSLOOP_CONFIG"):
        return Path(named)
    here = Path(CATALOGUE)
    return here if here.exists() else SHIPPED_CATALOGUE


def prepare(environment: Mapping[str, str], folder: DataFolder, chosen: Path) -> Prepared:
    """Ports, secrets, catalogue and broker configuration. Raises CannotStart, SettingsError."""
    env = Environment(environment)
    ports = choose(env, (SANDBOX, *SERVICES), with_nats=True)
    env.check()
    found, path = _catalogue(chosen, folder.path / CATALOGUE, ports.url(SANDBOX))
    secrets = Secrets(
        opsloop=folder.secret("secret"),
        signing=folder.secret("slack-signing-secret"),
        bot_token=folder.secret("slack-bot-token", prefix="xoxb-demo-"),
        content_token=folder.secret("dealer-content-token"),
        clerk_key=folder.secret("clerk-secret-key", prefix="sk_test_"),
    )
    programs = plan.demo(environment, folder.path, ports, secrets, path)
    return Prepared(
        programs=(embedded.program(ports, folder.path, dict(environment)), *programs), ports=ports, catalogue=found
    )


@contextlib.asynccontextmanager
async def started(prepared: Prepared, folder: DataFolder) -> AsyncIterator[Stack]:
    """The demo, ready. The demo's subjects lie under the usual root: its broker is its own."""
    url = plan.embedded_broker(prepared.ports)["NATS_URL"]
    publishers = tuple(prepared.catalogue.publishers)
    async with (
        running(prepared.programs, logs=folder.logs, nats_url=url, subjects=Subjects(), publishers=publishers) as stack,
        open_door(stack.supervisor, folder.path),
    ):
        yield stack


def _catalogue(chosen: Path, copy: Path, sandbox_url: str) -> tuple[Catalogue, Path]:
    """The catalogue; a copy of it where the sandbox is not where the catalogue says. Raises SettingsError."""
    try:
        found = catalogue.load(chosen)
    except CatalogueError as error:
        raise SettingsError(error.mistakes) from error
    text = chosen.read_text(encoding="utf-8")
    moved = plan.catalogue_for_sandbox(text, sandbox_url)
    if moved == text:
        return found, chosen.absolute()
    copy.write_text(moved, encoding="utf-8")
    return found, copy
