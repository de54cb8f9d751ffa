"""`opsloop up`: the services on this machine, against the Slack and the broker that the environment names."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from opsloop_cli import embedded, plan, requirements, screen
from opsloop_cli.arguments import Arguments
from opsloop_cli.folder import DEFAULT, DataFolder
from opsloop_cli.plan import Program
from opsloop_cli.ports import Ports, choose
from opsloop_cli.requirements import Required
from opsloop_cli.stack import REACH_SECONDS, reach, running
from opsloop_common import catalogue
from opsloop_common.bus import durability
from opsloop_common.catalogue import Catalogue, CatalogueError
from opsloop_common.redact import Redactor
from opsloop_common.runtime import CannotStart
from opsloop_common.settings import Environment, SettingsError


async def run(environment: Mapping[str, str], asked: Arguments) -> int:
    """Runs until cancelled. Raises CannotStart, SettingsError with everything that is missing or malformed."""
    env = Environment(environment)
    config = Path.cwd() / env.text("OPSLOOP_CONFIG", "opsloop.toml")
    found = _catalogue(env, config)
    required = requirements.read(env, asked.scale, found)
    ports = _ports(env, plan.process_names(required.scale), with_nats=not required.nats_url)
    env.check()
    if ports is None or found is None:
        raise AssertionError("both are there when the environment has no mistakes")
    if required.nats_url:
        # A broker that is not there is told before anything starts.
        await _verify(required.nats_url, env)
    with DataFolder(Path(asked.data or env.text("OPSLOOP_DATA", DEFAULT)), "up") as folder:
        programs, nats_url = _programs(environment, required, ports, folder, config)
        try:
            async with running(
                programs,
                logs=folder.logs,
                nats_url=nats_url,
                subjects=env.root(),
                publishers=tuple(found.publishers),
            ) as stack:
                off = requirements.off(env, environment, found)
                print(_screen(ports, required, nats_url, off, stack.ready_seconds), flush=True)
                await stack.hold()
        except asyncio.CancelledError:
            print(screen.stopped(folder.path), flush=True)
            raise
    return 0


async def _verify(nats_url: str, env: Environment) -> None:
    """Raises CannotStart when the broker is not there, or will not do."""
    bus = await reach(nats_url, REACH_SECONDS)
    try:
        allow_unsynced = env.text("OPSLOOP_ALLOW_UNSYNCED") == "1"
        await durability.check(bus, env.url("NATS_MONITOR_URL"), allow_unsynced=allow_unsynced)
    except (durability.UnsafeBroker, OSError) as error:
        raise CannotStart(str(error)) from error
    finally:
        await bus.close()


def _screen(ports: Ports, required: Required, nats_url: str, off: list[str], ready_seconds: float) -> str:
    return screen.up(
        ports,
        Redactor()(nats_url),
        off,
        ready_seconds,
        over_http=required.over_http,
        socket_mode=required.socket_mode,
    )


def _catalogue(env: Environment, path: Path) -> Catalogue | None:
    try:
        return catalogue.load(path)
    except CatalogueError as error:
        env.mistakes += error.mistakes
        return None


def _ports(env: Environment, names: tuple[str, ...], *, with_nats: bool) -> Ports | None:
    try:
        return choose(env, names, with_nats=with_nats)
    except SettingsError as error:
        env.mistakes += error.mistakes
        return None


def _programs(
    environment: Mapping[str, str], required: Required, ports: Ports, folder: DataFolder, config: Path
) -> tuple[tuple[Program, ...], str]:
    """The processes, and the broker they use."""
    extra = {"OPSLOOP_CONFIG": str(config), "OPSLOOP_DATA": str(folder.path)}
    if required.nats_url:
        return plan.services(environment, ports, extra), required.nats_url
    broker = plan.embedded_broker(ports)
    if not environment.get("OPSLOOP_SECRET") and not environment.get("OPSLOOP_SECRET_FILE"):
        extra["OPSLOOP_SECRET"] = folder.secret("secret")
    server = embedded.program(ports, folder.path, dict(environment))
    return (server, *plan.services(environment, ports, extra | broker)), broker["NATS_URL"]
