"""Slack's request signature, version 0."""

import hashlib
import hmac


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of `X-Slack-Signature` for a body sent with `X-Slack-Request-Timestamp: <timestamp>`.

    Timestamp in Unix seconds. https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    base = b"v0:%d:" % timestamp + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def signed_headers(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The two headers that prove a request's origin."""
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": sign(secret, timestamp, body)}
