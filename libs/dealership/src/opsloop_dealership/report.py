"""What the finished task says. Pure."""

from opsloop_common.task import Result
from opsloop_dealership.correction import Correction
from opsloop_dealership.injection import Proof
from opsloop_dealership.problem import Problem

GROUP_LINES = 6
"""Of each kind: what was wrong must not hide what changed."""


def report(correction: Correction, notes: tuple[str, ...], proof: Proof) -> Result:
    """One sentence, then lines: remarks, which may need a person, then what was wrong, what changed, what is left."""
    solved = [problem for problem in correction.solved if not _persists(problem, proof)]
    remarks = [f"no longer on the page: {title}" for title in proof.gone]
    remarks += [f"still on the page and unreadable: {fault}" for fault in proof.unreadable]
    remarks += notes
    left = [f"left: {problem.sentence}" for problem in correction.left if not _persists(problem, proof)]
    groups = {
        "remarks": remarks,
        "wrong": [f"wrong: {problem.sentence}" for problem in solved],
        "changed": list(correction.changes),
        "left": left,
    }
    lines = tuple(line for kind, group in groups.items() for line in shortened(kind, group))
    return Result(summary=_summary(correction.needed, len(solved)), lines=lines)


def _persists(problem: Problem, proof: Proof) -> bool:
    """Whether the problem is a broken script that the page still shows; the proof tells of it already."""
    return problem.code == "broken_script" and any(problem.sentence.endswith(fault) for fault in proof.unreadable)


def _summary(needed: bool, solved: int) -> str:
    if not needed:
        return "Nothing to correct"
    return f"{solved} problem{'' if solved == 1 else 's'} corrected" if solved else "Schema brought up to date"


def shortened(kind: str, lines: list[str]) -> list[str]:
    """The first few lines of a kind, and how many there are beside them."""
    if len(lines) <= GROUP_LINES:
        return lines
    return [*lines[: GROUP_LINES - 1], f"{kind}: {len(lines) - GROUP_LINES + 1} more, all in the log"]
