"""The watchdog of a runner: kills it, and everything it started, when its orchestrator's lease is over.

It is a process of its own in the runner's group, so that nothing a handler does can hold it up: not a blocked loop,
not a held interpreter lock. It is told deadlines through a pipe that only the orchestrator writes to. When the deadline
passes, because the orchestrator was frozen or cut off, or the pipe closes, because it died, the group is killed.
"""

import os
import select
import signal
import struct
import time

DEADLINE = struct.Struct("<d")
"""A deadline on the pipe: a time of time.monotonic, which all processes of a machine share."""

MOST_DESCRIPTORS = 1024
"""A process that has just been started has far fewer open."""


def start(descriptor: int) -> None:
    """Forks the watchdog off this process, which must not have threads yet."""
    if os.fork() == 0:
        try:
            _leave_the_pipes_alone(descriptor)
            _watch(descriptor)
        finally:
            os.killpg(0, signal.SIGKILL)
    os.close(descriptor)


def tell(descriptor: int, deadline: float) -> None:
    """Never waits: a watchdog that is gone, or does not read, is told nothing."""
    try:
        os.write(descriptor, DEADLINE.pack(deadline))
    except (BlockingIOError, BrokenPipeError):
        return


def _watch(descriptor: int) -> None:
    """Returns when the group must end. Without a deadline yet there is nothing to end."""
    deadline: float | None = None
    while True:
        wait_seconds = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([descriptor], [], [], wait_seconds)
        if not ready:
            return
        told = os.read(descriptor, DEADLINE.size)
        if len(told) < DEADLINE.size:
            return
        (deadline,) = DEADLINE.unpack(told)


def _leave_the_pipes_alone(descriptor: int) -> None:
    """The runner's pipes must close with the runner, and what is sent to the group by a terminal concerns others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, MOST_DESCRIPTORS)
