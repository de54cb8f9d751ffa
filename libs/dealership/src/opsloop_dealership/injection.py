"""Puts the corrected content into the site, once, and proves that the page shows it."""

import asyncio

import msgspec

from opsloop_common.task import Run, TaskFailed
from opsloop_dealership.correction import Correction
from opsloop_dealership.document import Node, canonical, encoded
from opsloop_dealership.extract import JSON_LD, Script, extract
from opsloop_dealership.failures import failure
from opsloop_dealership.found import Found, scripts_digest, titles
from opsloop_dealership.page import Page
from opsloop_dealership.settings import site_name
from opsloop_dealership.website import Site

STEP = "Injected into site"
PROOF_TRIES = 3
PROOF_PAUSE_SECONDS = 0.5  # a site may publish with a short delay
# After these the content may be in place all the same: an earlier try of this step, or one whose answer was lost.
UNDECIDED = ("page_changed", "site_timeout", "site_unreachable", "content_refused")


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """`sent` is False when the page held the content already."""

    sent: bool
    size_bytes: int = 0


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the page's other scripts: titles of those that are `gone`, faults of those still unreadable."""

    gone: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


async def inject(run: Run, site: Site, found: Found, correction: Correction) -> Injected:
    """Safe to repeat: a page that holds the content already counts as done."""
    if not correction.needed:
        run.log("The page is right already: nothing sent")
        return Injected(sent=False)
    try:
        etag = found.etag or await _unchanged(run, site, found)
        body = encoded(correction.content)
        await site.put(body, _headers(run, etag))
    except TaskFailed as failed:
        if failed.code not in UNDECIDED or not await _is_there(site, correction):
            raise
        run.log("The page holds the corrected schema already: nothing left to send")
        return Injected(sent=False)
    return Injected(sent=True, size_bytes=len(body))


async def prove(run: Run, site: Site, found: Found, correction: Correction) -> Proof:
    """Reads the page until it shows the content, three times at most. Raises TaskFailed `not_proven`."""
    for attempt in range(1, PROOF_TRIES + 1):
        scripts = await read_scripts(await site.read())
        if holds(scripts, correction.content):
            run.log(f"Proven: the page shows the corrected schema (look {attempt} of {PROOF_TRIES})")
            return _proof(found, scripts)
        if attempt < PROOF_TRIES:
            await asyncio.sleep(PROOF_PAUSE_SECONDS)
    raise failure("not_proven", site=site_name(found.url))


async def read_scripts(page: Page) -> tuple[Script, ...]:
    """The page's scripts, parsed off the event loop: a page of megabytes takes a while."""
    return await asyncio.to_thread(extract, page.text)


def holds(scripts: tuple[Script, ...], content: tuple[Node, ...]) -> bool:
    """Whether strict readers find all of `content` among the scripts."""
    shown = {canonical(node) for script in scripts if not script.fault for node in script.documents}
    return all(canonical(node) in shown for node in content)


async def _unchanged(run: Run, site: Site, found: Found) -> str | None:
    """For a page without an ETag: reads it again, and returns the ETag if it has one by now."""
    page = await site.read()
    if page.sha256 != found.sha256:
        if scripts_digest(await read_scripts(page)) != found.scripts_sha256:
            raise failure("page_changed", site=site_name(found.url))
        run.log("The page differs from the one read, but its JSON-LD is the same")
    return page.etag


def _headers(run: Run, etag: str | None) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {run.secret('content_token')}",
        "Content-Type": JSON_LD,
        "Idempotency-Key": run.idempotency_key(STEP),
        "X-Fence": str(run.fence),
    }
    return {**headers, "If-Match": etag} if etag else headers


async def _is_there(site: Site, correction: Correction) -> bool:
    """False when the page cannot be read: then the first failure is the one to tell."""
    try:
        return holds(await read_scripts(await site.read()), correction.content)
    except TaskFailed:
        return False


def _proof(found: Found, after: tuple[Script, ...]) -> Proof:
    dealer = found.dealer.script if found.dealer else None
    others = [script for index, script in enumerate(found.scripts) if index != dealer]
    there = {canonical(node) for script in after for node in script.documents}
    gone = [script for script in others if not all(canonical(node) in there for node in script.documents)]
    faults = [script.fault for script in after if script.raw is not None and script.fault]
    return Proof(gone=tuple(titles(script) for script in gone), unreadable=tuple(faults))
