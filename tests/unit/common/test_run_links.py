"""Links to a run's page admit whom they were made for, and nobody else."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from opsloop_common import run_links
from opsloop_common.people import Conversation
from opsloop_common.subjects import make_id

SECRETS = ("a-secret-of-sixteen",)
ID = make_id(Conversation("T0", "C0"), "command", "1")
OTHER = make_id(Conversation("T0", "C0"), "command", "2")
MADE = datetime(2026, 1, 1, tzinfo=UTC)


def parts(link: str) -> tuple[str, str]:
    found = parse_qs(urlsplit(link).query)
    return found["until"][0], found["sig"][0]


def test_a_link_admits_until_its_day() -> None:
    """Fourteen days, also after the secret was rotated; then it says that it is old."""
    until, signature = parts(run_links.write(SECRETS, "https://ops.example/", ID, MADE))
    assert run_links.check(("a-newer-secret-16", *SECRETS), ID, until, signature, MADE) == ""
    late = MADE + run_links.GOOD_FOR + timedelta(seconds=1)
    assert run_links.check(SECRETS, ID, until, signature, late) == "old"


@pytest.mark.parametrize("change", ["id", "until", "signature", "secret", "purpose", "garbage", "digits"])
def test_anything_else_is_forged(change: str) -> None:
    """Another run's signature, a later end, a made-up one: nothing is admitted, old or not."""
    until, signature = parts(run_links.write(SECRETS, "https://ops.example", ID, MADE))
    given = {
        "id": (SECRETS, OTHER, until, signature),
        "until": (SECRETS, ID, str(int(until) + 1), signature),
        "signature": (SECRETS, ID, until, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        "secret": (("another-secret-16",), ID, until, signature),
        "purpose": (SECRETS, f"{ID}.1", until, signature),
        "garbage": (SECRETS, "../../etc", "-1", "\ud800"),
        "digits": (SECRETS, ID, "１２３", signature),
    }[change]
    assert run_links.check(*given, MADE) == "forged"
