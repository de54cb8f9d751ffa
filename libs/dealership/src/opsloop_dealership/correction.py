"""Decides from what was found which problems there are and what the page should hold instead. Pure."""

from collections.abc import Mapping

import msgspec

from opsloop_dealership.correct import changes, context_for, corrected, differences, wanted_from
from opsloop_dealership.dealer import replaced
from opsloop_dealership.document import Node, as_node, same
from opsloop_dealership.failures import failure
from opsloop_dealership.found import Found, titles
from opsloop_dealership.problem import Problem, errors, shown
from opsloop_dealership.validate import validate
from opsloop_dealership.vocabulary import PROPERTIES, nearest


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """`content` is what the page should hold; `needed` is False when it already does."""

    content: tuple[Node, ...]
    needed: bool
    changes: tuple[str, ...] = ()
    solved: tuple[Problem, ...] = ()
    left: tuple[Problem, ...] = ()


def problems_of(found: Found, profile: Mapping[str, object]) -> tuple[Problem, ...]:
    """What is wrong on the page: its scripts, the dealer's node, and where it differs from the profile."""
    faults = tuple(_fault(index, found) for index, script in enumerate(found.scripts) if script.fault)
    if found.dealer is None:
        absent = Problem(code="no_dealer", path="@type", sentence="no AutoDealer is described on the page")
        return (*faults, absent)
    known = validate(found.node, found.context)
    return (*faults, *known, *differences(found.node, wanted_from(profile), known))


def correct(found: Found, problems: tuple[Problem, ...], profile: Mapping[str, object], site: str) -> Correction:
    """Raises TaskFailed `profile_incomplete` when the profile and what was found make no valid dealer."""
    node = corrected(found.node, wanted_from(profile))
    context = context_for(found.context)
    remaining = validate(node, context)
    if wrong := errors(remaining):
        raise failure("profile_incomplete", site=site, key=_profile_key(wrong[0]), reason=shown(wrong[0].sentence, 160))
    content = _content(found, node, context)
    needed = bool(found.script.fault) or not same(list(content), list(found.script.documents))
    others = tuple(problem for problem in problems if _is_elsewhere(problem, found))
    left = (*others, *remaining)
    return Correction(
        content=content,
        needed=needed,
        changes=changes(found.node, _under(node, found.node)) if needed else (),
        solved=tuple(problem for problem in problems if problem not in left) if needed else (),
        left=left,
    )


def _fault(index: int, found: Found) -> Problem:
    script = found.scripts[index]
    path = f"script[{index}]"
    sentence = f"script {index + 1} ({titles(script)}) is not valid JSON: {script.fault}"
    return Problem(code="broken_script", path=path, sentence=sentence)


def _is_elsewhere(problem: Problem, found: Found) -> bool:
    """Whether the problem lies in a readable script that is not the dealer's and is left alone."""
    if problem.code != "broken_script":
        return False
    index = int(problem.path.removeprefix("script[").removesuffix("]"))
    return index != found.dealer.script if found.dealer else bool(found.scripts[index].documents)


def _profile_key(problem: Problem) -> str:
    path = problem.path.partition("[")[0]
    return (nearest(path, PROPERTIES) or path) if problem.code == "unknown_property" else path


def _under(node: Node, before: Node) -> Node:
    """The corrected node with the old one's `@context`, which is the document's matter."""
    return {"@context": before["@context"], **node} if "@context" in before else node


def _content(found: Found, node: Node, context: object) -> tuple[Node, ...]:
    """The dealer's script with the corrected node in its place; other nodes of the script stay as they are."""
    if found.dealer is None:
        return ({"@context": context, **node},)
    where = found.dealer
    before = found.script.documents[where.document]
    after = as_node(replaced(before, where.path, node)) or {}
    documents = list(found.script.documents)
    inherited = "@context" in found.node and where.path
    documents[where.document] = after if inherited else {**after, "@context": context}
    documents[where.document] = _context_first(documents[where.document])
    return tuple(documents)


def _context_first(node: Node) -> Node:
    return {"@context": node["@context"], **node} if "@context" in node else node
