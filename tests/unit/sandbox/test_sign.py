"""The request signature, judged by slack_sdk."""

from slack_sdk.signature import SignatureVerifier

from opsloop_sandbox.sign import sign


def test_slack_sdk_accepts_the_signature_and_only_for_this_body() -> None:
    """What we sign is valid for slack_sdk's verifier; a changed body, time or secret is not."""
    verifier = SignatureVerifier("secret")
    signature = sign("secret", 1_700_000_000, b"text=a%20b")

    assert signature == verifier.generate_signature(timestamp="1700000000", body=b"text=a%20b")
    assert signature != sign("secret", 1_700_000_000, b"text=a")
    assert signature != sign("secret", 1_700_000_001, b"text=a%20b")
    assert signature != sign("other", 1_700_000_000, b"text=a%20b")
