"""Links to the page of a run: signed, and good until a day that follows from the run itself.

Whoever holds such a link may read the run; nothing else admits. It names its last second, so that a card that is drawn
again from the same state carries the same link.
"""

import urllib.parse
from datetime import datetime, timedelta
from typing import Literal

from opsloop_common.signing import sign, verify
from opsloop_common.subjects import is_id

GOOD_FOR = timedelta(days=14)
"""As long as log lines are kept."""
_PURPOSE = "run"
_LONGEST = 12


def write(secrets: tuple[str, ...], base_url: str, id: str, since: datetime) -> str:
    """The link to a run; it expires `GOOD_FOR` after `since`."""
    return f"{base_url.rstrip('/')}/runs/{id}?{query(secrets, id, int((since + GOOD_FOR).timestamp()))}"


def query(secrets: tuple[str, ...], id: str, until: int) -> str:
    """What a link carries beside the id; `until` in Unix seconds."""
    return urllib.parse.urlencode({"until": until, "sig": sign(secrets, _PURPOSE, f"{id}.{until}")})


def check(secrets: tuple[str, ...], id: str, until: str, signature: str, now: datetime) -> Literal["", "forged", "old"]:
    """Whether a link admits: "" if it does. A forged one is never told that it would have expired."""
    well_formed = is_id(id) and until.isascii() and until.isdigit() and len(until) <= _LONGEST
    if not well_formed or not verify(secrets, _PURPOSE, f"{id}.{int(until)}", signature):
        return "forged"
    return "old" if now.timestamp() > int(until) else ""
