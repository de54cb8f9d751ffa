"""Where a private answer may be sent. The URL in a request is a capability: it is checked here and never logged."""

import re
from urllib.parse import SplitResult, urlsplit

import msgspec

SLACK_HOST = "hooks.slack.com"
LONGEST_URL = 1000

# urlsplit drops tabs and newlines and takes a backslash for a part of the host: neither belongs in a URL of Slack's.
_PLAIN = re.compile(rf"[!-\[\]-~]{{1,{LONGEST_URL}}}")
_PORTS = {"https": 443, "http": 80}


class Checked(msgspec.Struct, frozen=True):
    """`url` is empty when it may not be used; then `foreign_host` says why, cut and harmless, unless there was none."""

    url: str = ""
    foreign_host: str = ""


def check(url: str, api_url: str) -> Checked:
    """Takes https://hooks.slack.com, and what has the host and port of `api_url` where that is set."""
    if not url:
        return Checked()
    parts = _split(url)
    if parts is None:
        return Checked(foreign_host="(not a URL)")
    if parts.username is None and parts.password is None and _place(parts) in _allowed(api_url):
        return Checked(url=url)
    return Checked(foreign_host=(parts.hostname or "(no host)")[:100])


def _allowed(api_url: str) -> set[tuple[str, str, int]]:
    api = _split(api_url)
    slack = ("https", SLACK_HOST, 443)
    return {slack} if api is None else {slack, _place(api)}


def _split(url: str) -> SplitResult | None:
    if _PLAIN.fullmatch(url) is None:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError when it is no number
    except ValueError:
        return None
    return parts


def _place(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
