"""What the catalogue must say about a dealer's reviews."""

import math
from urllib.parse import urlsplit

import msgspec

from opsloop_common.task import Target
from opsloop_dealership.failures import failure
from opsloop_dealership.settings import DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS
from opsloop_dealership.shapes import is_absolute

FEED_KEY = "reviews_url"
PAGE_KEY = "reviews_page_url"


class ReviewSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`urls` maps the settings that name a source to its address; there is at least one."""

    urls: dict[str, str]
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS


def read_review_settings(target: Target) -> ReviewSettings:
    """The target's settings. Raises TaskFailed `reviews_not_set_up` or `reviews_setting_malformed`."""
    urls = {key: url for key in (FEED_KEY, PAGE_KEY) if (url := _url(target, key))}
    if not urls:
        raise failure("reviews_not_set_up", site=target.title)
    return ReviewSettings(urls=urls, timeout_seconds=_seconds(target))


def _url(target: Target, key: str) -> str:
    value = target.settings.get(key, "").strip()
    if value and not is_absolute(value):
        raise _malformed(target, key, "is not an absolute http(s) URL")
    if "@" in urlsplit(value).netloc:
        raise _malformed(target, key, "contains a user or password")
    return value


def _seconds(target: Target) -> float:
    try:
        seconds = float(target.settings.get("timeout_seconds", str(DEFAULT_TIMEOUT_SECONDS)))
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        reason = f"is not a number of seconds between 0 and {MAX_TIMEOUT_SECONDS:g}"
        raise _malformed(target, "timeout_seconds", reason)
    return seconds


def _malformed(target: Target, key: str, reason: str) -> Exception:
    return failure("reviews_setting_malformed", key=key, site=target.title, reason=reason)
