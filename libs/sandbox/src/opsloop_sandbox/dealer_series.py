"""The dealers' figures as Prometheus would have them: they move with what was put on the dealers' sites.

Nothing is kept: a figure at any time follows from the journal of PUTs, so it is the same after a restart. A page whose
structured data is right raises the figures within seconds; one that is wrong, or wrong again, leaves them low.
"""

import hashlib
import math
import time

import msgspec

from opsloop_sandbox.contract import SiteView
from opsloop_sandbox.json_value import JsonObject

GAIN = "gnn_arr_gain_by_dealer"
PRECISION = "gnn_precision_by_dealer"
NAMES = (GAIN, PRECISION)

WITHOUT_SERIES = frozenset({"orlando-ford", "jacksonville-nissan"})
"""Their sites cannot be read, so nothing was ever measured."""

DAY_SECONDS = 86_400.0
SHORT = {"coral-gables-toyota": 5 * DAY_SECONDS}
"""Measured for so long only: too short a history to forecast from."""
GAPS = {"tampa-chevrolet": 6}
"""Every so many days nothing was measured."""

RISE_SECONDS = 4.0
WAVE_SECONDS = 600.0
WEEKLY, DAILY = 0.04, 0.03
PRECISION_LOW, PRECISION_HIGH = 0.79, 0.93
NEEDED = ("name", "telephone", "address")


def figure(name: str, site: SiteView, at: float) -> float | None:
    """The value of a series at a Unix time; None where there is no such series."""
    if site.dealer in WITHOUT_SERIES or name not in NAMES or _is_unmeasured(site.dealer, at):
        return None
    risen = _risen(improved_at(site), at)
    if name == PRECISION:
        return round(PRECISION_LOW + (PRECISION_HIGH - PRECISION_LOW) * risen, 4)
    return round(_gain(site.dealer, risen, at), 2)


def _is_unmeasured(dealer: str, at: float) -> bool:
    """Trouble with the history, never with the last two days."""
    age = time.time() - at
    if age < 2 * DAY_SECONDS:
        return False
    return age > SHORT.get(dealer, math.inf) or (dealer in GAPS and int(at // DAY_SECONDS) % GAPS[dealer] == 0)


def improved_at(site: SiteView) -> float | None:
    """Since when the page's structured data has been right, in Unix seconds; None when it is not right.

    Follows the ETags back, so that a second correct PUT does not count anew and a reset in between does.
    """
    if not _is_right(_parsed(site.jsonld)):
        return None
    since, etag = 0.0, site.etag
    for put in reversed([put for put in site.puts if put.effect]):
        if put.etag != etag or not _is_right(put.document):
            break
        since, etag = put.at, put.if_match or ""
    return since


def _gain(dealer: str, risen: float, at: float) -> float:
    """US dollars: some 2,000 as it is, some 10,000 with a page that is right; each dealer has its own."""
    first, second = hashlib.sha256(dealer.encode()).digest()[:2]
    low, high = 1_500 + 4 * first, 8_000 + 25 * second
    wave = math.sin(2 * math.pi * (at / WAVE_SECONDS + first / 256))
    week = math.sin(2 * math.pi * at / (7 * DAY_SECONDS))
    weather = hashlib.sha256(f"{dealer} {at // DAY_SECONDS:.0f}".encode()).digest()[0] / 255 - 0.5
    return (low + (high - low) * risen) * (1 + 0.01 * wave + WEEKLY * week + DAILY * weather)


def _risen(since: float | None, at: float) -> float:
    return 0.0 if since is None or at <= since else 1 - math.exp(-(at - since) / RISE_SECONDS)


def _is_right(document: JsonObject | None) -> bool:
    if document is None:
        return False
    # Both schemes name the same vocabulary: https://schema.org/docs/faq.html#19
    context = str(document.get("@context")).rstrip("/")
    return (
        context in ("https://schema.org", "http://schema.org")
        and document.get("@type") == "AutoDealer"
        and all(map(document.get, NEEDED))
    )


def _parsed(jsonld: str | None) -> JsonObject | None:
    try:
        found: object = msgspec.json.decode(jsonld or "")
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None
