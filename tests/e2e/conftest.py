"""A whole installation for a test: broker, sandbox and the four services, as real processes on free ports."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker import NatsServer
from installation import Installation


@pytest.fixture
async def loop(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Installation]:
    """Running and ready. When the test is done everything must have settled, and the checker must find nothing."""
    async with Installation(tmp_path, nats_server) as installation:
        yield installation


PACK_CATALOGUE = """
[tasks.reporting]
title = "Report"
effect = "idempotent"
run_by = ["*"]
[tasks.failing]
title = "Fail"
run_by = ["*"]
[tasks.blocking]
title = "Block"
run_by = ["*"]
timeout_seconds = 120
[tasks.locked]
title = "Locked"
sensitive = true
run_by = ["*"]
[tasks.patient]
title = "Wait"
effect = "idempotent"
run_by = ["*"]
[tasks.first]
title = "First"
effect = "idempotent"
run_by = ["*"]
then = ["reporting", "locked"]
[tasks.asking]
title = "Ask"
effect = "idempotent"
run_by = ["*"]
settings = { weight = 3 }
params = { days = { title = "Days", kind = "number", default = "30", minimum = 1, maximum = 90 } }
[tasks.mortal]
title = "Mortal"
run_by = ["*"]
[tasks.mortal_unprobed]
title = "Mortal, nobody can tell"
run_by = ["*"]
[tasks.flaky]
title = "Flaky"
effect = "idempotent"
run_by = ["*"]
retry = { first_seconds = 2, factor = 1 }
settings = { works_at = 3, code = "site_away" }
[tasks.mute]
title = "Mute"
effect = "idempotent"
run_by = ["*"]
stalled_after_seconds = 0.5
settings = { silent_seconds = 4 }
[metrics.gain]
title = "Gain"
unit = "usd"
query = 'gnn_arr_gain_by_dealer{dealer=$target}'
word = "gain"
[targets.naples]
settings = { marker = "MARKER" }
title = "Naples <!channel> & Sons"
secrets = { password = "DEALER_CONTENT_TOKEN" }
[targets.tampa]
title = "Tampa"
"""


@pytest.fixture
async def packs(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Installation]:
    """An installation that runs the tests' own task pack."""
    catalogue = PACK_CATALOGUE.replace("MARKER", str(tmp_path / "marker"))
    async with Installation(tmp_path, nats_server, catalogue=catalogue) as installation:
        yield installation
