"""Private answers go to Slack, or to the local Slack that SLACK_API_URL names; nowhere else."""

import pytest

from opsloop_ingress import answer_url
from opsloop_ingress.answer_url import Checked

LOCAL = "http://127.0.0.1:8090/api/"


@pytest.mark.parametrize(
    "url",
    ["https://hooks.slack.com/commands/T/1/x", "https://hooks.slack.com:443/x", "http://127.0.0.1:8090/response/x"],
)
def test_slack_and_the_local_slack_are_taken(url: str) -> None:
    """The URL is kept as it came."""
    assert answer_url.check(url, LOCAL) == Checked(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://hooks.slack.com/x", "hooks.slack.com"),
        ("https://hooks.slack.com:8443/x", "hooks.slack.com"),
        ("https://hooks.slack.com.evil.example/x", "hooks.slack.com.evil.example"),
        ("https://evil.example/hooks.slack.com", "evil.example"),
        ("https://me@hooks.slack.com/x", "hooks.slack.com"),
        ("https://hooks.slack.com@evil.example/x", "evil.example"),
        ("https://evil.example\\@hooks.slack.com/x", "(not a URL)"),
        ("https://hooks.slack\t.com/x", "(not a URL)"),
        ("https://hooks.slack.com/\n", "(not a URL)"),
        ("https://hooks.slack.com:x/", "(not a URL)"),
        ("https://[::1/x", "(not a URL)"),
        ("https://hooks.slack.com/" + "x" * 2000, "(not a URL)"),
        ("https://ｈooks.slack.com/x", "(not a URL)"),
        ("http://127.0.0.1:8091/x", "127.0.0.1"),
        ("https://127.0.0.1:8090/x", "127.0.0.1"),
        ("file:///etc/passwd", "(no host)"),
        ("javascript:alert(1)", "(no host)"),
    ],
)
def test_everything_else_is_left_out(url: str, host: str) -> None:
    """Only the host is told."""
    assert answer_url.check(url, LOCAL) == Checked(foreign_host=host)


def test_local_slack_only_where_it_is_set() -> None:
    """Without SLACK_API_URL, and without a URL, nothing is taken for Slack."""
    assert answer_url.check("http://127.0.0.1:8090/x", "").url == ""
    assert answer_url.check("", LOCAL) == Checked()
