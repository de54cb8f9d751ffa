"""Whether Slack takes our token. While it does not, nothing is sent and everything stays owed.

Asked again and again, so that sending resumes by itself when the token is valid again, or a new one is in its file.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from opsloop_notifier.outcome import Dead, Locked, NotSent
from opsloop_notifier.slack import Identity

log = logging.getLogger(__name__)

AGAIN_SECONDS = 3.0


class Gate:
    """Closed until `auth.test` has answered once, and again whenever a call is refused for its token."""

    def __init__(
        self,
        identify: Callable[[], Awaitable[Identity | NotSent]],
        again_seconds: float = AGAIN_SECONDS,
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        """`renew` takes up a new token where there is one; called before each try."""
        self._identify = identify
        self._renew = renew
        self._again_seconds = again_seconds
        self._open = asyncio.Event()
        self._shut = asyncio.Event()
        self.problem = "the bot token has not been checked yet"
        self.identity = Identity("opsloop", "")

    @property
    def is_open(self) -> bool:
        """May be asked from another thread."""
        return self._open.is_set()

    async def passed(self) -> None:
        """Returns while the token is good."""
        await self._open.wait()

    def shut(self, error: str) -> None:
        """Slack refused the token."""
        self.problem = f"Slack refuses the bot token: {error}"
        if self._open.is_set():
            log.error(
                "%s; nothing is sent until it is valid again, or a new one is in the file of SLACK_BOT_TOKEN_FILE",
                self.problem,
            )
        self._open.clear()
        self._shut.set()

    async def watch(self) -> None:
        """Opens the gate when the token is good; runs for ever."""
        while True:
            await self._try_until_open()
            await self._shut.wait()

    async def _try_until_open(self) -> None:
        while True:
            self._renew()
            answer = await self._identify()
            if isinstance(answer, Identity):
                if self._shut.is_set():
                    log.warning("Slack takes the bot token again: sending goes on")
                self.identity = answer
                self.problem = ""
                self._shut.clear()
                self._open.set()
                return
            self._tell(answer)
            await asyncio.sleep(self._again_seconds)

    def _tell(self, answer: NotSent) -> None:
        if isinstance(answer, Locked | Dead):
            found = f"Slack refuses the bot token: {answer.error}"
        else:
            found = f"Slack does not answer: {type(answer).__name__}"
        if found != self.problem:
            log.error("not ready: %s", found)
        self.problem = found
