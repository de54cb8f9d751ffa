"""What the first step found: kept with the run, so that the document from before is never lost."""

import hashlib

import msgspec

from opsloop_dealership.dealer import Location, find_dealer, node_at
from opsloop_dealership.document import Node, types_of
from opsloop_dealership.extract import Script
from opsloop_dealership.failures import failure
from opsloop_dealership.page import Page
from opsloop_dealership.settings import site_name

MAX_DEALER_BYTES = 96 * 1024
MAX_KEPT_BYTES = 200 * 1024
MAX_RAW_CHARACTERS = 8 * 1024


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """`scripts_sha256` is of all scripts as they were, before any was cut to fit; `notes` tell what was cut."""

    url: str
    etag: str | None
    sha256: str
    scripts_sha256: str
    scripts: tuple[Script, ...]
    dealer: Location | None
    notes: tuple[str, ...] = ()

    @property
    def script(self) -> Script:
        """The dealer's script; an empty one when no dealer was found."""
        return self.scripts[self.dealer.script] if self.dealer else Script()

    @property
    def node(self) -> Node:
        """The dealer's node; empty when no dealer was found."""
        return node_at(self.scripts, self.dealer) if self.dealer else {}

    @property
    def context(self) -> object:
        """The `@context` that the dealer's node stands under."""
        root = self.script.documents[self.dealer.document] if self.dealer else {}
        return self.node.get("@context") or root.get("@context")


def found_on(page: Page, scripts: tuple[Script, ...], profile: dict[str, object]) -> Found:
    """Raises TaskFailed `document_too_large` when the dealer's own script cannot be kept whole."""
    dealer = find_dealer(scripts, profile)
    size = len(msgspec.json.encode(scripts[dealer.script])) if dealer else 0
    if size > MAX_DEALER_BYTES:
        told = {"size": f"{size // 1024} KiB", "limit": f"{MAX_DEALER_BYTES // 1024} KiB"}
        raise failure("document_too_large", site=site_name(page.url), **told)
    kept, notes = _bounded(scripts, dealer.script if dealer else None, MAX_KEPT_BYTES - size)
    return Found(
        url=page.url,
        etag=page.etag,
        sha256=page.sha256,
        scripts_sha256=scripts_digest(scripts),
        scripts=kept,
        dealer=dealer,
        notes=notes,
    )


def scripts_digest(scripts: tuple[Script, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(scripts)).hexdigest()


def titles(script: Script) -> str:
    """A script in a few words: the types it describes."""
    names = [name for node in script.documents for name in types_of(node)]
    return ", ".join(names[:4]) or ("unreadable JSON-LD" if script.raw else "JSON-LD without a type")


def _bounded(
    scripts: tuple[Script, ...], dealer: int | None, budget_bytes: int
) -> tuple[tuple[Script, ...], tuple[str, ...]]:
    kept, notes = [], []
    for index, script in enumerate(scripts):
        if index != dealer:
            cut = _cut(script)
            size = len(msgspec.json.encode(cut))
            if size > budget_bytes:
                cut, size = Script(fault=script.fault), len(msgspec.json.encode(Script(fault=script.fault)))
            if cut != script:
                notes.append(f"script {index + 1} was too large to keep whole")
            budget_bytes -= size
            script = cut
        kept.append(script)
    return tuple(kept), tuple(notes)


def _cut(script: Script) -> Script:
    if script.raw is None or len(script.raw) <= MAX_RAW_CHARACTERS:
        return script
    note = f"… (cut: {len(script.raw)} characters in all)"
    return msgspec.structs.replace(script, raw=script.raw[:MAX_RAW_CHARACTERS] + note)
