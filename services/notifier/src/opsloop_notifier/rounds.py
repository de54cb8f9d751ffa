"""When what was shown is looked at again: once it has settled and, where something is in doubt, later. Pure."""

import msgspec


class Rounds(msgspec.Struct, frozen=True, kw_only=True):
    """`settle_seconds` after a final view it is read back; `sweeps_seconds` after a doubt it is looked into again."""

    settle_seconds: float = 5.0
    sweeps_seconds: tuple[float, ...] = (60.0, 600.0)

    def first_sweep(self) -> float:
        return self.sweeps_seconds[0]

    def until_next_sweep(self, looks: int) -> float | None:
        """Seconds from sweep number `looks` (the first is 1) to the next; None after the last."""
        return _gap(self.sweeps_seconds, looks)

    def until_next_reading(self, looks: int, *, is_doubtful: bool) -> float | None:
        """Seconds from one reading of a final view to the next; only one in doubt is read more than once."""
        times = (self.settle_seconds, *(seconds for seconds in self.sweeps_seconds if seconds > self.settle_seconds))
        return _gap(times, looks) if is_doubtful else None


def _gap(times: tuple[float, ...], looks: int) -> float | None:
    return times[looks] - times[looks - 1] if 0 < looks < len(times) else None
