"""The task "Recompute AI Score": a dealer's AI visibility from its page, its reviews and its figures."""

import asyncio
from datetime import UTC, datetime

import msgspec

from opsloop_common.measures import Measure
from opsloop_common.task import Result, Run, TaskFailed
from opsloop_dealership.correction import problems_of
from opsloop_dealership.found import found_on
from opsloop_dealership.injection import read_scripts
from opsloop_dealership.reviews.figures import figures
from opsloop_dealership.reviews.sources import gather
from opsloop_dealership.score import (
    Malformed,
    Part,
    Score,
    freshness_part,
    precision_part,
    reviews_part,
    schema_part,
    score,
    weights_in,
)
from opsloop_dealership.validate import validate
from opsloop_dealership.website import open_site

FIGURE = "ai_visibility_score"
METRIC = "precision"


class SchemaRead(msgspec.Struct, frozen=True, kw_only=True):
    part: Part


class ReviewsRead(msgspec.Struct, frozen=True, kw_only=True):
    part: Part
    newest_at: datetime | None = None


class NumbersRead(msgspec.Struct, frozen=True, kw_only=True):
    measure: Measure
    at: datetime


async def ai_score_recompute(run: Run) -> Result:
    """Reads only, so it may run however often."""
    try:
        weights = weights_in(run.settings.get("weights"))
    except Malformed as error:
        sentence = f"The catalogue's tasks.ai_score_recompute.settings.weights {error}. Mend it, then retry."
        raise TaskFailed("setting_malformed", sentence) from error

    async def read_schema() -> SchemaRead:
        try:
            async with open_site(run) as site:
                page = await site.read()
            found = found_on(page, await read_scripts(page), run.target.profile)
        except TaskFailed as trouble:
            return SchemaRead(part=Part(name="schema", share=None, why=_first_clause(trouble)))
        problems = validate(found.node, found.context) if found.dealer else problems_of(found, run.target.profile)
        return SchemaRead(part=schema_part(problems, has_dealer=found.dealer is not None))

    schema = await run.step("Schema read", 25, read_schema)

    async def read_reviews() -> ReviewsRead:
        try:
            found = await gather(run)
        except TaskFailed as trouble:
            return ReviewsRead(part=Part(name="reviews", share=None, why=_first_clause(trouble)))
        counted = await asyncio.to_thread(figures, found.reviews, datetime.now(UTC))
        dates = [review.at for review in found.reviews if review.at is not None]
        return ReviewsRead(part=reviews_part(counted), newest_at=max(dates, default=None))

    reviews = await run.step("Reviews read", 50, read_reviews)

    async def read_numbers() -> NumbersRead:
        return NumbersRead(measure=await run.measure(METRIC), at=datetime.now(UTC))

    numbers = await run.step("Numbers read", 75, read_numbers)
    fresh = freshness_part(reviews.newest_at, numbers.measure, numbers.at)
    parts = (schema.part, reviews.part, precision_part(numbers.measure), fresh)
    for part in parts:
        run.log(f"{part.name}: {'unknown' if part.share is None else f'{part.share:.3f}'} ({part.why})")
    found = score(parts, weights)
    if found is None:
        why = "; ".join(f"{part.name}: {part.why}" for part in parts if weights[part.name])
        raise TaskFailed(
            "nothing_known",
            f"No score can be computed at {{step}}, for none of its parts could be had ({_safe(why)}). "
            "Check the dealer's site and Prometheus, then retry.",
        )
    return _result(found)


def _result(found: Score) -> Result:
    missing = "; ".join(f"{part.name}: {part.why}" for part in found.missing)
    return Result(
        summary=f"AI visibility {found.points:g} of 100{' (partial)' if missing else ''}",
        highlights=tuple(
            f"{part.name.capitalize()} {points:.0f} of {most:.0f} – {part.why}" for part, points, most in found.parts
        ),
        figures={FIGURE: found.points},
        partial=f"Without {missing}. The other parts count for it" if missing else "",
    )


def _first_clause(trouble: TaskFailed) -> str:
    """What went wrong, without the advice that follows and without the step."""
    return _safe(trouble.sentence.partition(". ")[0].replace(" at {step}", ""))


def _safe(text: str) -> str:
    return text.translate({ord("{"): None, ord("}"): None})
