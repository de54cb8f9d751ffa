"""The task "Restore Schema": puts back the JSON-LD that the last schema fix found, from that run's record.

What the fix found and what it wrote are both in the record. A page that shows neither was changed by somebody else
since, and is left alone.
"""

import msgspec

from opsloop_common.task import Result, Run
from opsloop_dealership.correct import changes
from opsloop_dealership.correction import Correction
from opsloop_dealership.failures import failure
from opsloop_dealership.found import Found, found_on
from opsloop_dealership.injection import STEP, Injected, Proof, holds, inject, prove, read_scripts
from opsloop_dealership.report import shortened
from opsloop_dealership.settings import site_name
from opsloop_dealership.website import open_site

FIX = "schema_fix"
FOUND_STEP, WRITTEN_STEP = "Schema detected", "Processing"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the fix found, and what it wrote."""

    found: Found
    written: Correction


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """The page as it is; `is_back` when it shows already what is to be restored."""

    found: Found
    is_back: bool


async def schema_restore(run: Run) -> Result:
    """Idempotent: however often it runs, the page ends with the document from before the fix."""

    async def recall() -> Record:
        found = await run.earlier(FIX, FOUND_STEP, Found)
        written = await run.earlier(FIX, WRITTEN_STEP, Correction)
        if found is None or written is None:
            raise failure("no_record", site=run.target.title)
        if found.dealer is None:
            raise failure("nothing_before", site=site_name(found.url))
        run.log(f"The last fix found {len(found.script.documents)} documents in the dealer's script")
        return Record(found=found, written=written)

    record = await run.step("Record found", 20, recall)
    before = record.found.script.documents

    async def read() -> Now:
        async with open_site(run) as site:
            page = await site.read()
        scripts = await read_scripts(page)
        is_back = holds(scripts, before)
        if not is_back and not holds(scripts, record.written.content):
            raise failure("changed_meanwhile", site=site_name(page.url))
        return Now(found=found_on(page, scripts, run.target.profile), is_back=is_back)

    now = await run.step("Page compared", 45, read)
    restored = Correction(content=before, needed=not now.is_back)

    async def put() -> Injected:
        async with open_site(run) as site:
            return await inject(run, site, now.found, restored)

    await run.step(STEP, 75, put)

    async def look() -> Proof:
        async with open_site(run) as site:
            return await prove(run, site, now.found, restored)

    await run.step("Proven", 100, look)
    if now.is_back:
        return Result(summary="Nothing to restore: the page shows the schema from before the fix")
    lines = shortened("changed back", [f"back: {line}" for line in changes(now.found.node, record.found.node)])
    return Result(summary="The schema from before the last fix is back", lines=tuple(lines))
