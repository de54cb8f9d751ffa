"""Personal data in public text: found by shape, and shown only masked. Pure."""

import re
import unicodedata
from collections.abc import Callable

import msgspec

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,200}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")
PHONE = re.compile(r"(?<![\w#$€£])(?:\+|\(|\+\()?\d[\d ().\-/]{5,22}\d(?!\w)")
MARKED_PLATE = re.compile(
    r"\b(?i:plates?|tag|licen[sc]e|registration)\b[^.\n]{0,20}?(?<!\w)([A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,5})(?!\w)"
)
PLATE = re.compile(r"(?<![\w-])([A-Z]{3}[ -](?!(?:19|20)\d\d)\d{3,4})(?![\w-])")


class Personal(msgspec.Struct, frozen=True):
    """`shown` is the masked form: it never holds enough to reach anybody."""

    kind: str
    shown: str


def personal_in(text: str) -> tuple[Personal, ...]:
    """What `text` holds, each thing once."""
    return tuple(dict.fromkeys(_replaced(text)[1]))


def masked(text: str) -> str:
    """`text` with everything that looks personal replaced by its masked form."""
    return _replaced(text)[0]


def _replaced(text: str) -> tuple[str, list[Personal]]:
    found: list[Personal] = []

    def mask(kind: str, shown: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            value = match[match.lastindex or 0]
            masked_value = shown(value)
            if not masked_value:
                return match[0]
            found.append(Personal(kind, masked_value))
            return match[0].replace(value, masked_value)

        return replace

    text = unicodedata.normalize("NFKC", text)  # full-width digits and signs are digits and signs
    text = EMAIL.sub(mask("e-mail", _email), text)
    text = PHONE.sub(mask("phone", _phone), text)
    text = MARKED_PLATE.sub(mask("plate", _plate), text)
    return PLATE.sub(mask("plate", _plate), text), found


def _email(value: str) -> str:
    return f"{value[0]}…@….{value.rpartition('.')[2]}"


def _phone(value: str) -> str:
    """Numbers as they are dialled in North America, or with a country's code; not dates, prices and mileages."""
    digits = "".join(sign for sign in value if sign.isdigit())
    dialled = len(digits) == 10 or (len(digits) == 11 and digits[0] == "1") or re.fullmatch(r"\d{3}-\d{4}", value)
    abroad = value.startswith("+") and 8 <= len(digits) <= 15
    return f"…{digits[-2:]}" if dialled or abroad else ""


def _plate(value: str) -> str:
    has_both = any(sign.isdigit() for sign in value) and any(sign.isalpha() for sign in value)
    return f"{value[0]}…" if has_both and 5 <= len(value) <= 9 else ""
