"""Why a request is refused, and what Slack (or whoever it was) is told: a status and nothing else."""

from typing import Literal

Reason = Literal[
    "content_type",
    "content_encoding",
    "too_large",
    "slow_body",
    "cut_off",
    "signature_missing",
    "signature_repeated",
    "timestamp_malformed",
    "timestamp_stale",
    "signature_wrong",
    "form",
    "json",
    "shape",
    "wrong_kind",
    "foreign_team",
    "foreign_app",
    "form_forged",
]

STATUS: dict[Reason, int] = {
    "content_type": 415,
    "content_encoding": 415,
    "too_large": 413,
    "slow_body": 400,
    "cut_off": 400,
    "signature_missing": 401,
    "signature_repeated": 401,
    "timestamp_malformed": 401,
    "timestamp_stale": 401,
    "signature_wrong": 401,
    "form": 400,
    "json": 400,
    "shape": 400,
    "wrong_kind": 400,
    "foreign_team": 401,
    "foreign_app": 401,
    "form_forged": 401,
}


class Refused(Exception):
    """The request is not taken. The reason is one of a closed list, so it may be a label and a log line."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason

    @property
    def status(self) -> int:
        return STATUS[self.reason]
