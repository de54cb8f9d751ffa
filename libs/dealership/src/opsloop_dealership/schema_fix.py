"""The task "Run Schema Fix": repairs the JSON-LD of a dealer's page and proves that the repair is there."""

from opsloop_common.task import Result, Run
from opsloop_dealership.correction import Correction, correct, problems_of
from opsloop_dealership.found import Found, found_on
from opsloop_dealership.injection import STEP, Injected, Proof, inject, prove, read_scripts
from opsloop_dealership.problem import Problem
from opsloop_dealership.report import report
from opsloop_dealership.settings import site_name
from opsloop_dealership.website import open_site


async def schema_fix(run: Run) -> Result:
    """Idempotent: however often it runs, the page ends with the document that the target's profile describes."""

    async def detect() -> Found:
        async with open_site(run) as site:
            page = await site.read()
        found = found_on(page, await read_scripts(page), run.target.profile)
        where = f"dealer in script {found.dealer.script + 1}" if found.dealer else "no dealer among them"
        run.log(f"{len(found.scripts)} JSON-LD scripts on the page, {where}")
        return found

    found = await run.step("Schema detected", 20, detect)

    async def check() -> tuple[Problem, ...]:
        problems = problems_of(found, run.target.profile)
        for problem in problems:
            run.log(f"{problem.weight}: {problem.sentence}")
        return problems

    problems = await run.step("Validation started", 40, check)

    async def process() -> Correction:
        correction = correct(found, problems, run.target.profile, site_name(found.url))
        run.log(f"{len(correction.changes)} properties to change, {len(correction.left)} remarks left")
        for change in correction.changes:
            run.log(change)
        return correction

    correction = await run.step("Processing", 60, process)

    async def put() -> Injected:
        async with open_site(run) as site:
            return await inject(run, site, found, correction)

    await run.step(STEP, 80, put)

    async def look() -> Proof:
        async with open_site(run) as site:
            return await prove(run, site, found, correction)

    proof = await run.step("Completed", 100, look)
    return report(correction, found.notes, proof)
