"""What the finished audit says. Pure."""

from opsloop_common.task import Result, ResultFile
from opsloop_dealership.reviews.figures import WINDOW_DAYS, Figures, Window
from opsloop_dealership.reviews.findings import KINDS, Finding, Findings
from opsloop_dealership.reviews.sources import Source

LONGEST_LINE = 240
"""What the card shows of a line. A link is shown whole or not at all."""
LONGEST_LINK = 160
COLLECTED = "Findings collected"
"""The step that keeps the file of findings."""
FINDINGS = ResultFile(name="findings.csv", step=COLLECTED, path=("file", "csv"))


def notes_of(sources: tuple[Source, ...]) -> tuple[str, ...]:
    """What is missing from the sources, a sentence each."""
    return tuple(
        f"partial: {source.name} was not read, it {source.note}"
        if source.trouble
        else f"partial: {source.name} {source.note}"
        for source in sources
        if source.note
    )


def report(found: Figures, notes: tuple[str, ...], findings: Findings) -> Result:
    """One sentence, then lines: what is missing, the figures, the first findings of each kind, where all are."""
    notes = tuple(dict.fromkeys((*notes, *findings.notes)))
    lines = [*notes[:4], *(_figures(found) if found.count else ()), *map(_shown, findings.shown), *_kept(findings)]
    missing = "; ".join(note.removeprefix("partial: ") for note in notes)
    return Result(
        summary=_summary(found, bool(notes), findings.file.rows),
        lines=tuple(lines),
        partial=missing,
        files=(FINDINGS,) if findings.file.rows else (),
    )


def _summary(found: Figures, partial: bool, count: int) -> str:
    if not found.count:
        told = "No reviews were found"
    else:
        average = "unrated" if found.average is None else f"{found.average:g} of 5 on average"
        told = f"{_many(found.count, 'review')}, {average}, {_many(count, 'finding')}"
    return f"Partial result: {told[0].lower()}{told[1:]}" if partial else told


def _figures(found: Figures) -> list[str]:
    without = [f"{found.undated} without a date"] * bool(found.undated)
    without += [f"{found.unrated} without a rating"] * bool(found.unrated)
    stars = ", ".join(f"{count} with {5 - place}★" for place, count in enumerate(found.stars))
    waited = "" if found.response_hours is None else f", median after {_duration(found.response_hours)}"
    share = round(100 * found.answered / found.count)
    return [
        f"volume: {', '.join([_many(found.count, 'review'), *without])}",
        f"ratings: {stars}",
        f"trend: {_window(found.last)} in the last {WINDOW_DAYS} days, {_window(found.before)} in those before",
        f"owner responses: {found.answered} of {found.count} ({share}%){waited}",
    ]


def _window(window: Window) -> str:
    return f"{window.count}" if window.average is None else f"{window.count} ({window.average:g}★)"


def _duration(hours: float) -> str:
    return f"{hours:g} h" if hours < 48 else f"{round(hours / 24, 1):g} days"


def _shown(finding: Finding) -> str:
    about = " ".join(part for part in (finding.review, finding.day, finding.rating and f"{finding.rating}★") if part)
    link = finding.link if len(finding.link) <= LONGEST_LINK else ""
    line = _cut(f"{finding.kind}: {about}: {finding.detail}", LONGEST_LINE - len(link) - 1)
    return f"{line} {link}".rstrip()


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _kept(findings: Findings) -> list[str]:
    count, kept = findings.file.rows, findings.file.kept
    if not count:
        return ["findings: none"]
    kinds = ", ".join(f"{kind} {findings.counts[kind]}" for kind in KINDS if kind in findings.counts)
    lines = [f"findings: {count} ({kinds}), all on the page of this run, as CSV"]
    if kept < count:
        lines.append(f"the CSV was cut: it holds the first {kept} of {count} findings")
    if findings.cut:
        lines.append("near-duplicates: too many to compare them all, there may be more")
    return lines


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
