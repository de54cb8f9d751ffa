"""What the catalogue must say about a dealer's site."""

import math
from urllib.parse import urlsplit

import msgspec

from opsloop_common.task import Target
from opsloop_dealership.failures import failure
from opsloop_dealership.shapes import is_absolute

DEFAULT_TIMEOUT_SECONDS = 20.0
MAX_TIMEOUT_SECONDS = 300.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    page_url: str
    content_url: str
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS


def read_settings(target: Target) -> Settings:
    """The target's settings. Raises TaskFailed `setting_missing` or `setting_malformed` naming the key."""
    return Settings(
        page_url=_url(target, "page_url"),
        content_url=_url(target, "content_url"),
        timeout_seconds=_seconds(target, "timeout_seconds"),
    )


def site_name(url: str) -> str:
    """An address as sentences show it: without scheme, query and fragment, which may hold secrets."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _url(target: Target, key: str) -> str:
    value = target.settings.get(key, "").strip()
    if not value:
        raise failure("setting_missing", key=key, site=target.title)
    if not is_absolute(value):
        raise failure("setting_malformed", key=key, site=target.title, reason="is not an absolute http(s) URL")
    if "@" in urlsplit(value).netloc:
        raise failure("setting_malformed", key=key, site=target.title, reason="contains a user or password")
    return value


def _seconds(target: Target, key: str) -> float:
    told = target.settings.get(key, str(DEFAULT_TIMEOUT_SECONDS))
    try:
        seconds = float(told)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        reason = f"is not a number of seconds between 0 and {MAX_TIMEOUT_SECONDS:g}"
        raise failure("setting_malformed", key=key, site=target.title, reason=reason)
    return seconds
