"""A local Prometheus under `/prometheus/api/v1/…`, with the dealers' figures; its answers have Prometheus' shapes."""

import math
import re
import time
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opsloop_sandbox.arguments import read_arguments
from opsloop_sandbox.connection import TooLarge, read_body
from opsloop_sandbox.dealer_pages import dealers
from opsloop_sandbox.dealer_series import NAMES, figure
from opsloop_sandbox.promql import Labels, ParseError, Sample, Series, parse
from opsloop_sandbox.sites import Sites
from opsloop_sandbox.slack_error import SlackError

SCRAPE_SECONDS = 1.0
MOST_POINTS = 11_000

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)|(?:[0-9]+(?:ms|[smhdwy]))+")

Form = dict[str, str]


class BadData(ValueError):
    """A parameter that Prometheus would refuse; the text is its sentence."""


class Prometheus:
    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._dealers = tuple(dealers(""))

    def routes(self) -> list[Route]:
        asked: dict[str, Callable[[Form], object]] = {"query": self._instant, "query_range": self._range}
        return [
            Route(f"/prometheus/api/v1/{name}", _endpoint(answer), methods=["GET", "POST"])
            for name, answer in asked.items()
        ]

    def _series(self) -> Series:
        """Every series as it was scraped last before a time, by the sites as they are now."""
        sites = [self._sites.view(dealer) for dealer in self._dealers]

        def scraped(at: float) -> list[Sample]:
            scraped_at = math.floor(at / SCRAPE_SECONDS) * SCRAPE_SECONDS
            return [
                Sample({"__name__": name, "dealer": site.dealer}, value, scraped_at)
                for site in sites
                for name in NAMES
                if (value := figure(name, site, scraped_at)) is not None
            ]

        return scraped

    def _instant(self, form: Form) -> object:
        at = _time(form, "time", time.time())
        samples = parse(form.get("query", "")).evaluate(self._series(), at)
        result = [{"metric": sample.labels, "value": [at, _text(sample.value)]} for sample in samples]
        return {"resultType": "vector", "result": result}

    def _range(self, form: Form) -> object:
        query, series = parse(form.get("query", "")), self._series()
        found: dict[tuple[tuple[str, str], ...], tuple[Labels, list[list[object]]]] = {}
        for at in _steps(form):
            for sample in query.evaluate(series, at):
                _, values = found.setdefault(tuple(sorted(sample.labels.items())), (sample.labels, []))
                values.append([at, _text(sample.value)])
        result = [{"metric": labels, "values": values} for labels, values in found.values()]
        return {"resultType": "matrix", "result": result}


def _endpoint(answer: Callable[[Form], object]) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            form = await _form(request)
            _duration(form, "timeout", 0.0)
            return _json(200, {"status": "success", "data": answer(form)})
        except ParseError as error:
            sentence = f'invalid parameter "query": 1:1: parse error: {error}'
        except BadData as error:
            sentence = str(error)
        return _json(400, {"status": "error", "errorType": "bad_data", "error": sentence})

    return respond


async def _form(request: Request) -> Form:
    """The parameters of the URL and of a form; a body of any other kind is not looked at, as by Prometheus."""
    kind = request.headers.get("content-type", "")
    try:
        body = await read_body(request)
        is_form = kind.startswith("application/x-www-form-urlencoded")
        values = read_arguments(request.url.query, kind, body if is_form else b"")
    except (TooLarge, SlackError) as error:
        raise BadData("error parsing form values") from error
    return {name: str(value) for name, value in values.items()}


def _steps(form: Form) -> list[float]:
    start, end = _time(form, "start", math.nan), _time(form, "end", math.nan)
    step = _duration(form, "step", math.nan)
    if end < start:
        raise BadData('invalid parameter "end": end timestamp must not be before start time')
    if step <= 0:
        raise BadData('invalid parameter "step": zero or negative query resolution step widths are not accepted')
    if (end - start) / step > MOST_POINTS:
        raise BadData("exceeded maximum resolution of 11,000 points per timeseries")
    return [start + number * step for number in range(int((end - start) / step) + 1)]


def _time(form: Form, name: str, default: float) -> float:
    try:
        at = float(form[name]) if name in form else default
    except ValueError:
        at = math.nan
    if not math.isfinite(at):
        raise BadData(f'invalid parameter "{name}": cannot parse {form.get(name, "")!r} to a valid timestamp')
    return at


def _duration(form: Form, name: str, default: float) -> float:
    """Seconds: a plain number, or one unit after another as in "1m30s"."""
    text = form.get(name, "")
    if name in form and (match := _DURATION.fullmatch(text)):
        return float(text) if match[1] else _seconds(text)
    if name in form or not math.isfinite(default):
        raise BadData(f'invalid parameter "{name}": cannot parse {text!r} to a valid duration')
    return default


def _seconds(text: str) -> float:
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9]+)(ms|[smhdwy])", text))


def _text(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _json(status: int, body: object) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")
