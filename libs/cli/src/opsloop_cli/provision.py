"""`opsloop provision`: creates or verifies the streams, consumers and buckets in a broker."""

from collections.abc import Mapping

from opsloop_cli.stack import REACH_SECONDS, provision_when_there
from opsloop_common.settings import Environment

NOTHING_TO_DO = "nothing to do: every stream, consumer and bucket is as it should be"


async def run(environment: Mapping[str, str]) -> int:
    """Prints one line per change. Raises CannotStart, SettingsError."""
    env = Environment(environment)
    url, subjects = env.text("NATS_URL", "nats://127.0.0.1:4222"), env.root()
    env.check()
    for line in await provision_when_there(url, subjects, REACH_SECONDS) or [NOTHING_TO_DO]:
        print(line)
    return 0
