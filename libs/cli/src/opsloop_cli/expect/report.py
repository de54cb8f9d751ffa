"""The outcome of the tour, as text for people and as a document for machines. Pure."""

import msgspec

from opsloop_cli.expect.scene import Sighting


class StageReport(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` are texts as they appeared or changed, in order."""

    name: str
    ok: bool
    seconds: float
    messages: list[str]
    problems: list[str]


class TourReport(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool
    seconds: float
    stages: list[StageReport]


def sighting(seen: Sighting) -> str:
    """`+0.4 s  new, in the thread` and the text, indented."""
    place = (
        "only visible to you" if seen.message.is_private else "in the thread" if seen.message.thread_ts else "in #ops"
    )
    what = "changed" if seen.is_change else "new"
    lines = "\n".join(f"    {line}" for line in seen.message.text.splitlines())
    return f"+{seen.at_seconds:.1f} s  {what}, {place}\n{lines}"


def stage(report: StageReport) -> str:
    head = f"{'ok  ' if report.ok else 'FAIL'}  {report.name}  ({report.seconds:.1f} s)"
    messages = [_indented(message) for message in report.messages]
    return "\n".join([head, *messages, *(_indented(f"✗ {problem}") for problem in report.problems), ""])


def summary(report: TourReport) -> str:
    failed = [stage.name for stage in report.stages if not stage.ok]
    verdict = f"FAILED: {', '.join(failed)}" if failed else "every message was right"
    return f"{len(report.stages)} stages in {report.seconds:.1f} s: {verdict}"


def _indented(text: str) -> str:
    return "\n".join(f"      {line}" for line in text.splitlines())
