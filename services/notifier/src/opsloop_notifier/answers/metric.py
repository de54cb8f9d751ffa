"""A number of a dealer: what it is now, and its course."""

from datetime import datetime

from opsloop_common.answers import MetricBody
from opsloop_notifier import amounts, naming, sparkline
from opsloop_notifier.answers.said import Said
from opsloop_notifier.style import Style


def said(body: MetricBody, now: datetime, style: Style) -> Said:
    title = style.pen.line(body.measure.title, naming.LONGEST)
    target = style.pen.line(body.title or body.target, naming.LONGEST)
    head = f"*{title}* of *{target}*: {amounts.measure(body.measure, now)}"
    course = sparkline.lines(body.trend, style) if body.trend else []
    # The title of the course is that of the number, and stands above it already.
    return Said.in_lines([head, *course[1:]])
