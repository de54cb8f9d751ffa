"""What decoding needs to know of this installation, and whom it admits. Pure."""

import msgspec

from opsloop_common.catalogue import Catalogue
from opsloop_ingress.refusal import Refused


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """An empty allow-list allows everybody Slack signs for.

    `metric_words` are the slash command's words for metrics, with the metrics' names; `forms` names the tasks that
    have parameters, `targets` what they may run on.
    """

    button_secrets: tuple[str, ...]
    teams: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()
    api_url: str = ""
    metric_words: dict[str, str] = {}
    forms: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()

    def knowing(self, catalogue: Catalogue) -> "Rules":
        """The same with what the catalogue says."""
        return msgspec.structs.replace(
            self,
            metric_words=catalogue.metric_words,
            forms=frozenset(name for name, task in catalogue.tasks.items() if task.params),
            targets=frozenset(catalogue.targets),
        )

    def admit(self, app: str | None, teams: tuple[str, ...]) -> None:
        """Raises Refused for another app, or when one of the workspaces is not ours."""
        if self.apps and app not in self.apps:
            raise Refused("foreign_app")
        if self.teams and not (teams and self.teams.issuperset(teams)):
            raise Refused("foreign_team")
