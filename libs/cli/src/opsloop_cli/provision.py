"""`opsloop provision`: creates or verifies the streams, consumers and buckets in a broker."""

from collections.abc import Mapping
from pathlib import Path

from opsloop_cli.stack import REACH_SECONDS, provision_when_there
from opsloop_common import catalogue
from opsloop_common.catalogue import CatalogueError
from opsloop_common.settings import Environment

NOTHING_TO_DO = "nothing to do: every stream, consumer and bucket is as it should be"
CATALOGUE = "opsloop.toml"


async def run(environment: Mapping[str, str]) -> int:
    """Prints one line per change. Raises CannotStart, SettingsError."""
    env = Environment(environment)
    url, subjects = env.text("NATS_URL", "nats://127.0.0.1:4222"), env.root()
    publishers = _publishers(env)
    env.check()
    for line in await provision_when_there(url, subjects, publishers, REACH_SECONDS) or [NOTHING_TO_DO]:
        print(line)
    return 0


def _publishers(env: Environment) -> tuple[str, ...] | None:
    """The publishers of the catalogue; None where no catalogue is named and none is here."""
    path = env.text("OPSLOOP_CONFIG")
    if not path and not Path(CATALOGUE).exists():
        return None
    try:
        return tuple(catalogue.load(Path(path or CATALOGUE)).publishers)
    except CatalogueError as error:
        env.mistakes += error.mistakes
        return None
