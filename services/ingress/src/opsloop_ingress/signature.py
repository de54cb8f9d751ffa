"""Slack's request signature, version 0: who may be believed. Pure; the clock is an argument.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime

from opsloop_ingress.refusal import Refused

CLOCK_TOLERANCE_SECONDS = 300

# int() takes much more than Slack writes: "+17", " 17\n", "1_7", fullwidth digits. On bytes, only ASCII digits match.
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")


def check_time(timestamp: bytes, now: float) -> datetime:
    """The time a request claims, in UTC. Raises Refused when it is malformed or more than five minutes from `now`."""
    if _TIMESTAMP.fullmatch(timestamp) is None:
        raise Refused("timestamp_malformed")
    seconds = int(timestamp)
    if abs(now - seconds) > CLOCK_TOLERANCE_SECONDS:
        raise Refused("timestamp_stale")
    return datetime.fromtimestamp(seconds, UTC)


def check_signature(secrets: tuple[bytes, ...], timestamp: bytes, signature: bytes, body: bytes) -> None:
    """Raises Refused unless one of the active secrets signed this body at this time.

    Computed here instead of with slack_sdk's SignatureVerifier: that one decodes the body as text and compares
    strings, so it raises UnicodeDecodeError and TypeError on hostile input, and it knows one secret only.
    Every secret is tried, so the time taken tells nothing about which one matched.
    """
    message = b"v0:%b:%b" % (timestamp, body)
    matches = [hmac.compare_digest(_sign(secret, message), signature) for secret in secrets]
    if not any(matches):
        raise Refused("signature_wrong")


def _sign(secret: bytes, message: bytes) -> bytes:
    return b"v0=" + hmac.digest(secret, message, hashlib.sha256).hex().encode()
