"""Rate limits over an invented clock."""

from opsloop_sandbox.limits import RateLimits


def test_a_method_has_so_many_calls_in_any_sixty_seconds() -> None:
    """The window slides: a call is possible again exactly when the oldest one is a minute old."""
    limits = RateLimits(enabled=True)
    assert [limits.wait_seconds("chat.update", "C", 100.0 + n) for n in range(50)] == [0] * 50

    assert limits.wait_seconds("chat.update", "C", 150.5) == 10
    assert limits.wait_seconds("chat.update", "C", 159.9) == 1
    assert limits.wait_seconds("chat.update", "C", 160.0) == 0
    assert limits.wait_seconds("chat.update", "C", 160.0) == 1


def test_a_channel_takes_a_short_burst_and_then_one_post_a_second() -> None:
    """Four posts at once, then one each second; a refused post costs nothing."""
    limits = RateLimits(enabled=True)
    assert [limits.wait_seconds("chat.postMessage", "C", 0.0) for _ in range(6)] == [0, 0, 0, 0, 1, 1]

    assert limits.wait_seconds("chat.postMessage", "C", 1.0) == 0
    assert limits.wait_seconds("chat.postMessage", "C", 1.5) == 1
    assert limits.wait_seconds("chat.postMessage", "D", 1.5) == 0
