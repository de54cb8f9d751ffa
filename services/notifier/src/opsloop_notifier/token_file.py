"""The bot token in its file, which may be replaced while we run."""

import logging
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)


class TokenFile:
    """Tells `use` when another token than the last one stands in the file."""

    def __init__(self, path: str, token: str, use: Callable[[str], None]) -> None:
        self._path = path
        self._token = token
        self._use = use

    def renew(self) -> None:
        """A file that cannot be read, or is empty, is being replaced: the token stays as it is."""
        if not self._path:
            return
        try:
            found = Path(self._path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            log.warning("cannot read SLACK_BOT_TOKEN_FILE: %s", type(error).__name__)
            return
        if found and found != self._token:
            log.warning("another bot token is in its file: it is tried")
            self._token = found
            self._use(found)
