"""An orchestrator that runs, for every test."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from integration.orchestrator.loop import Loop, settings_for
from integration.orchestrator.outside import Outside, orchestrator
from opsloop_common.bus import Bus, streams
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.redact import Redactor
from opsloop_common.subjects import Subjects
from opsloop_orchestrator.__main__ import serve


@pytest.fixture
async def loop(bus: Bus, subjects: Subjects, tmp_path: Path) -> AsyncIterator[Loop]:
    settings = settings_for(subjects, tmp_path / "marker")
    registry = CollectorRegistry()
    redact = Redactor(("hunter2-secret-value",))
    serving = asyncio.create_task(serve(bus, settings, redact, ConsumerSeries(registry)))
    yield Loop(bus, subjects)
    serving.cancel()
    await asyncio.wait([serving])


@pytest.fixture
async def outside(bus: Bus, subjects: Subjects, tmp_path: Path) -> AsyncIterator[Outside]:
    await streams.provision(bus, subjects, ("ci", "etl"))
    async with orchestrator(bus, subjects, tmp_path):
        yield Outside(bus, subjects)
