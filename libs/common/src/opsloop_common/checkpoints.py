"""Checkpoints of a task: what its finished steps returned, in the bucket STEPS under `<id>.<attempt>.<step>`."""

import hashlib

import msgspec

VERSION = 1


class StepRecord(msgspec.Struct, frozen=True):
    """A step's name and its result as JSON text; `fence` is that of the claim under which it was done."""

    name: str
    result: str
    version: int = VERSION
    fence: int = 0


def key(id: str, attempt: int, step: str) -> str:
    """Where a step's record lies. A step's name is the task pack's text and may hold anything, so it is hashed."""
    return f"{id}.{attempt}.{hashlib.sha256(step.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"
