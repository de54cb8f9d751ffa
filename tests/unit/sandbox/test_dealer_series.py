"""The dealers' figures, from the journal of PUTs."""

import json

import msgspec
import pytest

from opsloop_sandbox.contract import SitePut, SiteView
from opsloop_sandbox.dealer_series import GAIN, NAMES, PRECISION, figure, improved_at
from opsloop_sandbox.json_value import JsonObject

RIGHT: JsonObject = {
    "@context": "https://schema.org",
    "@type": "AutoDealer",
    "name": "Naples Honda",
    "telephone": "+1",
    "address": {"@type": "PostalAddress"},
}
WRONG: JsonObject = {**RIGHT, "@type": "AutoDealers"}
AT = 1_795_390_000.0


def put(at: float, *, document: JsonObject = RIGHT, before: str = "fresh", after: str = "fixed") -> SitePut:
    return SitePut(
        n=1,
        at=at,
        dealer="naples-honda",
        status=204,
        effect=True,
        idempotency_key=None,
        fence=None,
        if_match=before,
        etag=after,
        document=document,
    )


def site(*puts: SitePut, dealer: str = "naples-honda", etag: str = "fresh", jsonld: str | None = None) -> SiteView:
    wanted = {"dealer": dealer, "mode": "ok", "etag": etag, "jsonld": jsonld, "original": None, "puts": list(puts)}
    return msgspec.convert(wanted, SiteView)


FIXED = site(put(AT), etag="fixed", jsonld=json.dumps(RIGHT))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_that_was_put_right_raises_the_figures_within_seconds(name: str) -> None:
    """Low before, higher with every second after, near the top after a quarter of a minute."""
    values = [figure(name, FIXED, AT + seconds) for seconds in (-5, 0, 1, 3, 6, 15)]
    rising = [value for value in values if value is not None]
    assert len(rising) == len(values)
    assert rising[1:] == sorted(set(rising[1:]))
    assert rising[0] == pytest.approx(rising[1], rel=0.05)
    assert rising[-1] > rising[0] * 1.15


def test_precision_moves_from_0_79_to_0_93() -> None:
    """Exactly, before and long after."""
    assert (figure(PRECISION, FIXED, AT), figure(PRECISION, FIXED, AT + 300)) == (0.79, 0.93)


def test_a_page_that_is_wrong_stays_low() -> None:
    """Whether nobody touched it or a wrong document was put there."""
    wrong = site(put(AT, document=WRONG), etag="fixed", jsonld=json.dumps(WRONG))
    for untouched in (site(), site(jsonld="{ // broken"), site(jsonld="[]"), wrong):
        assert improved_at(untouched) is None
        assert figure(PRECISION, untouched, AT + 60) == 0.79


def test_a_page_that_was_always_right_is_high() -> None:
    """It needed no PUT."""
    assert figure(PRECISION, site(jsonld=json.dumps(RIGHT)), AT) == 0.93


def test_a_second_correct_put_does_not_start_again_and_a_reset_does() -> None:
    """The ETags tell whether the page was reset in between."""
    right = json.dumps(RIGHT)
    again = site(put(AT), put(AT + 50, before="fixed", after="same"), etag="same", jsonld=right)
    reset_between = site(put(AT), put(AT + 50, before="fresh", after="fixed"), etag="fixed", jsonld=right)
    reset_after = site(put(AT), etag="fresh", jsonld=json.dumps(WRONG))
    assert (improved_at(again), improved_at(reset_between), improved_at(reset_after)) == (AT, AT + 50, None)


def test_each_dealer_has_its_own_gain_and_always_the_same() -> None:
    """Deterministic, so a restart continues it."""
    gains = [figure(GAIN, site(dealer=dealer), AT) for dealer in ("naples-honda", "tampa-chevrolet", "miami-kia")]
    assert len(set(gains)) == 3
    assert gains[0] == figure(GAIN, site(), AT)


def test_some_dealers_and_names_have_no_series() -> None:
    """Nothing was ever measured of a site that cannot be read."""
    assert figure(GAIN, site(dealer="orlando-ford"), AT) is None
    assert figure("up", site(), AT) is None
