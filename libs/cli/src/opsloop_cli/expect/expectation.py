"""What a stage of the tour expects, and what it says when that is not what was seen. Pure."""

from collections.abc import Callable

import msgspec

from opsloop_cli.expect.scene import Scene, Seen

Test = Callable[[Scene], bool]


class Expectation(msgspec.Struct, frozen=True):
    """`says` completes "expected …"."""

    says: str
    holds: Test


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How to know a message of this stage. All that is given must hold; `words` are looked for ignoring case."""

    words: tuple[str, ...]
    without: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    is_private: bool = False

    def fits(self, seen: Seen) -> bool:
        text = seen.text.lower()
        return (
            not seen.thread_ts
            and seen.is_private == self.is_private
            and all(word.lower() in text for word in self.words)
            and not any(word.lower() in text for word in self.without)
            and set(self.buttons) <= set(seen.actions)
        )

    def found(self, scene: Scene) -> list[Seen]:
        return [seen for seen in scene.touched if self.fits(seen)]


def acknowledged() -> Expectation:
    """Slack got its answer in time and showed the user no error."""
    return Expectation(
        "Slack's request to be answered with 200 within 3 s",
        lambda scene: scene.delivery is not None and scene.delivery.status == 200 and scene.delivery.shown is None,
    )


def one(says: str, look: Look) -> Expectation:
    """Exactly one message of this stage looks like that."""
    return Expectation(says, lambda scene: len(look.found(scene)) == 1)


def alone(says: str, words: tuple[str, ...]) -> Expectation:
    """The channel holds exactly one public message with these words, whatever its state."""
    look = Look(words=words)
    return Expectation(says, lambda scene: sum(look.fits(seen) for seen in scene.now) == 1)


def replied(says: str, look: Look, *words: str) -> Expectation:
    """Every word stands somewhere in the thread under the message."""

    def holds(scene: Scene) -> bool:
        threads = ["\n".join(reply.text.lower() for reply in scene.replies(seen)) for seen in look.found(scene)]
        return any(all(word.lower() in thread for word in words) for thread in threads)

    return Expectation(says, holds)


def moved(says: str, look: Look, marks: tuple[str, ...], at_least: int) -> Expectation:
    """The message showed at least so many of the marks while it was watched."""

    def holds(scene: Scene) -> bool:
        versions = ["\n".join(scene.versions(seen.ts)) for seen in look.found(scene)]
        return any(sum(mark in shown for mark in marks) >= at_least for shown in versions)

    return Expectation(says, holds)


def problems(expectations: tuple[Expectation, ...], scene: Scene) -> list[str]:
    """One text for each expectation that does not hold: what was expected, and what was seen."""
    return [f"expected {one.says}; seen: {_seen(scene)}" for one in expectations if not one.holds(scene)]


def _seen(scene: Scene) -> str:
    answer = scene.delivery
    shown = [f"Slack showed {answer.shown!r} (status {answer.status})"] if answer and answer.shown else []
    shown += [repr(seen.text) for seen in scene.touched]
    return " | ".join(shown) or "nothing"
