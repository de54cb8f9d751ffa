"""Who is believed: Slack's signature over the raw bytes, and its time."""

import pytest

from opsloop_ingress import signature
from opsloop_ingress.refusal import Refused

# The example in Slack's documentation.
DOCUMENTED_SECRET = b"8f742231b10e8888abcd99yyyzzz85a5"
DOCUMENTED_TIME = b"1531420618"
DOCUMENTED_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
DOCUMENTED_SIGNATURE = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_documented_example() -> None:
    """The example of Slack's documentation is believed."""
    signature.check_signature((DOCUMENTED_SECRET,), DOCUMENTED_TIME, DOCUMENTED_SIGNATURE, DOCUMENTED_BODY)


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"v0=",
        DOCUMENTED_SIGNATURE[:-1],
        DOCUMENTED_SIGNATURE.upper(),
        DOCUMENTED_SIGNATURE.replace(b"v0", b"v1"),
        b" " + DOCUMENTED_SIGNATURE,
        "v0=é".encode(),
        b"\xff\x00",
    ],
)
def test_any_other_signature_is_refused(given: bytes) -> None:
    """A signature that is not exactly the right one is refused, in whatever bytes it comes."""
    with pytest.raises(Refused, match="signature_wrong"):
        signature.check_signature((DOCUMENTED_SECRET,), DOCUMENTED_TIME, given, DOCUMENTED_BODY)


def test_changed_body_or_time_is_refused() -> None:
    """The signature covers the body, byte for byte, and the time."""
    for time, body in [(DOCUMENTED_TIME, DOCUMENTED_BODY + b"\xff"), (b"1531420619", DOCUMENTED_BODY)]:
        with pytest.raises(Refused, match="signature_wrong"):
            signature.check_signature((DOCUMENTED_SECRET,), time, DOCUMENTED_SIGNATURE, body)


def test_rotation() -> None:
    """While two secrets are active both are believed; a third is not."""
    for secrets in [(b"new", DOCUMENTED_SECRET), (DOCUMENTED_SECRET, b"new")]:
        signature.check_signature(secrets, DOCUMENTED_TIME, DOCUMENTED_SIGNATURE, DOCUMENTED_BODY)
    with pytest.raises(Refused, match="signature_wrong"):
        signature.check_signature((b"new", b"newer"), DOCUMENTED_TIME, DOCUMENTED_SIGNATURE, DOCUMENTED_BODY)


@pytest.mark.parametrize(
    "timestamp",
    ["", "+17", "-17", " 17", "17\n", "1_7", "1e9", "1.5", "0x11", "１７９０００００００", "٠", "9" * 13, "9" * 5000],
)
def test_timestamps_that_are_no_plain_number_are_refused(timestamp: str) -> None:
    """Only up to twelve ASCII digits are a timestamp, whatever int() would take."""
    with pytest.raises(Refused, match="timestamp_malformed"):
        signature.check_time(timestamp.encode(), 1531420618)


@pytest.mark.parametrize(
    ("skew_seconds", "believed"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
def test_five_minutes_either_way(skew_seconds: int, believed: bool) -> None:
    """A request may be five minutes old or early, not a second more."""
    now = 1531420618
    if believed:
        assert signature.check_time(b"%d" % (now + skew_seconds), now).timestamp() == now + skew_seconds
    else:
        with pytest.raises(Refused, match="timestamp_stale"):
            signature.check_time(b"%d" % (now + skew_seconds), now)


def test_far_future_is_stale() -> None:
    """Twelve digits of nines are a stale time, not an overflow."""
    with pytest.raises(Refused, match="timestamp_stale"):
        signature.check_time(b"9" * 12, 1531420618)
