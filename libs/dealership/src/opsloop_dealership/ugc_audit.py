"""The task "Run UGC Audit": reads a dealer's reviews and reports what they say and which of them need a person."""

import asyncio
from datetime import UTC, datetime

import msgspec

from opsloop_common.task import Result, Run
from opsloop_dealership.reviews.figures import Figures, figures
from opsloop_dealership.reviews.findings import Findings, findings_of
from opsloop_dealership.reviews.report import COLLECTED, notes_of, report
from opsloop_dealership.reviews.sources import Gathered, Source, gather

LOGGED = 50


class SourcesRead(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    sources: tuple[Source, ...]


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    figures: Figures
    notes: tuple[str, ...]


async def ugc_audit(run: Run) -> Result:
    """Reads only, so it may run however often. The reviews themselves are too many for a checkpoint: they are read
    once, and once more when another process resumes the attempt."""
    held: list[Gathered] = []

    async def gathered() -> Gathered:
        if not held:
            held.append(await gather(run))
        return held[0]

    async def read() -> SourcesRead:
        found = await gathered()
        run.log(f"{len(found.reviews)} reviews from {len(found.sources)} sources, without those told twice")
        return SourcesRead(at=datetime.now(UTC), sources=found.sources)

    read_sources = await run.step("Sources read", 20, read)

    async def understand() -> Understood:
        found = await gathered()
        counted = await asyncio.to_thread(figures, found.reviews, read_sources.at)
        notes = tuple(dict.fromkeys((*notes_of(read_sources.sources), *notes_of(found.sources))))
        return Understood(figures=counted, notes=notes)

    understood = await run.step("Reviews understood", 45, understand)

    async def collect() -> Findings:
        found = await gathered()
        findings = await asyncio.to_thread(findings_of, found.reviews, read_sources.at, notes_of(found.sources))
        for line in findings.file.csv.splitlines()[1 : LOGGED + 1]:
            run.log(line)
        return findings

    findings = await run.step(COLLECTED, 70, collect)

    async def tell() -> Result:
        return report(understood.figures, understood.notes, findings)

    return await run.step("Reported", 100, tell)
