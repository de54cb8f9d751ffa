"""What every drawing needs besides the state: whose signature, whose Grafana, whose pen."""

import urllib.parse
from datetime import datetime, timedelta

import msgspec

from opsloop_common import buttons, run_links
from opsloop_common.buttons import Pointer
from opsloop_common.events import TaskState
from opsloop_notifier.message import Block, button
from opsloop_notifier.mrkdwn import Pen

_MARGIN = timedelta(minutes=1)
_LONGEST_NAME = 200


class Style(msgspec.Struct, frozen=True):
    """`grafana_url` is empty where there is no Grafana: then there is no such button.

    `public_url` is where the pages of runs are; empty where nobody can reach them.
    """

    secrets: tuple[str, ...]
    pen: Pen
    grafana_url: str = ""
    public_url: str = ""

    def button(self, action: str, label: str, id: str, sequence: int) -> Block:
        """A button that carries nothing but a signed pointer to what it was drawn from."""
        return button(action, label, buttons.write(self.secrets, Pointer(id, sequence)))

    def logs_button(self, id: str, sequence: int, since: datetime) -> Block:
        """The link to the run's page; where there is none, a button for the end of its log. `since` dates the link."""
        if not self.public_url:
            return self.button("task.tail", "🔍 View Logs", id, sequence)
        value = buttons.write(self.secrets, Pointer(id, sequence))
        link = run_links.write(self.secrets, self.public_url, id, since)
        return button("task.logs", "🔍 View Logs", value, url=link)

    def grafana_button(self, task: TaskState, sequence: int) -> list[Block]:
        """The link to the dashboard, at the target and the time of this task."""
        if not self.grafana_url:
            return []
        value = buttons.write(self.secrets, Pointer(task.id, sequence))
        return [button("task.grafana", "📊 Open Grafana", value, url=_dashboard(self.grafana_url, task))]


def _dashboard(base: str, task: TaskState) -> str:
    start = (task.started_at or task.requested_at) - _MARGIN
    end = str(_milliseconds(task.ended_at + _MARGIN)) if task.ended_at else "now"
    query = urllib.parse.urlencode({"var-dealer": task.target[:_LONGEST_NAME], "from": _milliseconds(start), "to": end})
    return f"{base.rstrip('/')}/d/opsloop-dealer?{query}"


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
