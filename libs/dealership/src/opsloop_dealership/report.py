"""What the finished task says. Pure."""

from opsloop_common.task import Result
from opsloop_dealership.correction import Correction
from opsloop_dealership.injection import Proof
from opsloop_dealership.problem import Problem

MAX_LINES = 12


def report(correction: Correction, notes: tuple[str, ...], proof: Proof) -> Result:
    """One sentence, then lines: remarks, which may need a person, then what was wrong, what changed, what is left."""
    solved = [problem for problem in correction.solved if not _persists(problem, proof)]
    lines = [f"no longer on the page: {title}" for title in proof.gone]
    lines += [f"still on the page and unreadable: {fault}" for fault in proof.unreadable]
    lines += notes
    lines += [f"wrong: {problem.sentence}" for problem in solved]
    lines += correction.changes
    lines += [f"left: {problem.sentence}" for problem in correction.left if not _persists(problem, proof)]
    return Result(summary=_summary(correction.needed, len(solved)), lines=shortened(tuple(lines)))


def _persists(problem: Problem, proof: Proof) -> bool:
    """Whether the problem is a broken script that the page still shows; the proof tells of it already."""
    return problem.code == "broken_script" and any(problem.sentence.endswith(fault) for fault in proof.unreadable)


def _summary(needed: bool, solved: int) -> str:
    if not needed:
        return "Nothing to correct"
    return f"{solved} problem{'' if solved == 1 else 's'} corrected" if solved else "Schema brought up to date"


def shortened(lines: tuple[str, ...]) -> tuple[str, ...]:
    if len(lines) <= MAX_LINES:
        return lines
    return (*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES} more")
