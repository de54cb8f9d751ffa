"""`opsloop audit`: reads every chain of the audit and tells whether any was tampered with."""

from collections import defaultdict
from collections.abc import Mapping

from opsloop_cli.stack import REACH_SECONDS, reach
from opsloop_common import audit, codec
from opsloop_common.audit import AuditRecord
from opsloop_common.bus import Bus, BusError
from opsloop_common.codec import Undecodable
from opsloop_common.runtime import CannotStart
from opsloop_common.settings import Environment
from opsloop_common.subjects import Subjects

AT_MOST = 1_000_000


async def run(environment: Mapping[str, str]) -> int:
    """Prints a line for each chain that is broken, and the newest hash of each that is whole. 1: one is broken."""
    env = Environment(environment)
    url, subjects = env.text("NATS_URL", "nats://127.0.0.1:4222"), env.root()
    env.check()
    bus = await reach(url, REACH_SECONDS)
    try:
        chains = await read(bus, subjects)
    except (BusError, Undecodable) as error:
        raise CannotStart(f"the audit cannot be read: {error}") from error
    finally:
        await bus.close()
    broken = {subject: found for subject, chain in chains.items() if (found := audit.breaks(chain))}
    for subject, chain in sorted(chains.items()):
        lines = broken.get(subject) or [f"{len(chain)} records, newest {chain[-1].hash}"]
        print("\n".join(f"{subject}: {line}" for line in lines))
    if not chains:
        print("nothing was decided yet")
    return 1 if broken else 0


async def read(bus: Bus, subjects: Subjects) -> dict[str, list[AuditRecord]]:
    """Every chain by its subject. Raises BusError, Undecodable."""
    chains: dict[str, list[AuditRecord]] = defaultdict(list)
    for stored in await bus.read(subjects.stream("AUDIT"), subjects.all_audits, at_most=AT_MOST):
        chains[stored.subject].append(codec.decode(stored.data, AuditRecord))
    return dict(chains)
