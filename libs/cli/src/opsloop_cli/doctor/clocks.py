"""How far clocks are apart. Pure."""

from opsloop_cli.doctor.finding import Finding, ok, warning, wrong

ODD_SECONDS = 5.0
REFUSED_SECONDS = 300.0
"""Requests that Slack signed longer ago, or later, than this are refused."""
MEND = "let a time service (chrony, systemd-timesyncd) set the clock of the machine that is off"


def compared(name: str, whose: str, ahead_seconds: float, doubt_seconds: float) -> Finding:
    """`ahead_seconds` is how far the other clock is ahead of ours, give or take `doubt_seconds`."""
    least = max(0.0, abs(ahead_seconds) - doubt_seconds)
    if least < ODD_SECONDS:
        return ok(name, f"{whose} clock and ours agree within {abs(ahead_seconds) + doubt_seconds:.1f} s")
    side = "ahead of" if ahead_seconds > 0 else "behind"
    found = f"{whose} clock is {abs(ahead_seconds):.0f} s {side} ours"
    if least >= REFUSED_SECONDS / 2:
        return wrong(name, f"{found}; at {REFUSED_SECONDS:.0f} s every request of Slack is refused", MEND)
    return warning(name, found, MEND)
