"""The views.* methods, and what they show: at most one modal and one home a person."""

import secrets
from pathlib import Path

import msgspec

from opsloop_sandbox.arguments import Arguments
from opsloop_sandbox.changes import Changes, ViewChanged
from opsloop_sandbox.content import with_ids
from opsloop_sandbox.contract import ViewsSeen
from opsloop_sandbox.journal import Journal
from opsloop_sandbox.json_value import JsonObject, as_object, as_objects, as_text
from opsloop_sandbox.records import APP_ID, BOT_ID, TEAM
from opsloop_sandbox.slack_error import SlackError, invalid_arguments
from opsloop_sandbox.triggers import Triggers
from opsloop_sandbox.view_rules import check_view
from opsloop_sandbox.workspace import Workspace


class View(msgspec.Struct, frozen=True, kw_only=True, tag="view"):
    """`body` is the view as Slack's API shows it, with its id and hash."""

    user: str
    body: JsonObject

    @property
    def id(self) -> str:
        return as_text(self.body["id"])

    @property
    def is_home(self) -> bool:
        return self.body["type"] == "home"

    @property
    def blocks(self) -> list[JsonObject]:
        return as_objects(self.body["blocks"])


class Closed(msgspec.Struct, frozen=True, kw_only=True, tag="closed"):
    view_id: str


class Views:
    def __init__(self, *, journal_path: Path, triggers: Triggers, changes: Changes) -> None:
        self._triggers = triggers
        self._changes = changes
        self._views: dict[str, View] = {}
        self._journal: Journal[View | Closed] = Journal(journal_path, View | Closed)  # type: ignore[arg-type]  # a union is a type
        for record in self._journal.replay():
            self._apply(record)

    def close(self) -> None:
        self._journal.close()

    def _apply(self, record: View | Closed) -> None:
        if isinstance(record, View):
            self._views[record.id] = record
        else:
            self._views.pop(record.view_id, None)

    def _save(self, record: View | Closed, user: str) -> None:
        self._journal.append(record)
        self._apply(record)
        self._changes.tell(ViewChanged(user))

    # The Web API.

    def open(self, workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
        body = self._read(arguments, "modal")
        self._refuse_twin(as_text(body.get("external_id")), "")
        user = self._triggers.exchange(arguments.required("trigger_id"), now)
        modal = self._modal_of(user)
        if modal is not None:
            self.dismiss(modal)
        return self._show(user, body, "V" + secrets.token_hex(5).upper(), now)

    def publish(self, workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
        """Replaces a person's home as a whole."""
        user = arguments.required("user_id")
        body = self._read(arguments, "home")
        if user not in workspace.users or workspace.users[user].is_bot:
            raise invalid_arguments("invalid `user_id`")
        home = self._home_of(user)
        if home is not None:
            _expect_hash(home, arguments.text("hash"))
        return self._show(user, body, home.id if home else "V" + secrets.token_hex(5).upper(), now)

    def update(self, workspace: Workspace, arguments: Arguments, now: float) -> JsonObject:
        view_id, external_id = arguments.text("view_id"), arguments.text("external_id")
        if not (view_id or external_id):
            raise invalid_arguments("missing required field: view_id or external_id")
        view = self._views.get(view_id) or self._named(external_id)
        if view is None:
            raise SlackError("not_found")
        body = self._read(arguments, as_text(view.body["type"]))
        _expect_hash(view, arguments.text("hash"))
        self._refuse_twin(as_text(body.get("external_id")), view.id)
        return self._show(view.user, body, view.id, now)

    def _read(self, arguments: Arguments, type: str) -> JsonObject:
        value = arguments.structure("view", "invalid_arguments")
        if value is None:
            raise invalid_arguments("missing required field: view")
        problems = check_view(value, type)
        if problems:
            raise SlackError("invalid_arguments", response_metadata={"messages": problems})
        return as_object(value) or {}

    def _named(self, external_id: str) -> View | None:
        named = [view for view in self._views.values() if external_id and view.body["external_id"] == external_id]
        return named[0] if named else None

    def _refuse_twin(self, external_id: str, own_id: str) -> None:
        twin = self._named(external_id)
        if twin is not None and twin.id != own_id:
            raise SlackError("duplicate_external_id")

    def _show(self, user: str, given: JsonObject, view_id: str, now: float) -> JsonObject:
        view = View(user=user, body=_body(given, view_id, now))
        self._save(view, user)
        return {"ok": True, "view": {**view.body, "state": {"values": {}}}}

    # What people see and do.

    def seen_by(self, user: str) -> ViewsSeen:
        modal, home = self._modal_of(user), self._home_of(user)
        return ViewsSeen(modal=None if modal is None else modal.body, home=None if home is None else home.body)

    def view_of(self, user: str, view_id: str) -> View | None:
        view = self._views.get(view_id)
        return view if view is not None and view.user == user else None

    def replace(self, view: View, given: object, now: float) -> list[str]:
        """What an answer to a submission asks for; the problems, if the new view is not allowed."""
        problems = check_view(given, "modal")
        if not problems:
            self._show(view.user, as_object(given) or {}, view.id, now)
        return problems

    def dismiss(self, view: View) -> None:
        self._save(Closed(view_id=view.id), view.user)

    def _modal_of(self, user: str) -> View | None:
        return next((view for view in self._views.values() if view.user == user and not view.is_home), None)

    def _home_of(self, user: str) -> View | None:
        return next((view for view in self._views.values() if view.user == user and view.is_home), None)


def _expect_hash(view: View, given: str) -> None:
    if given and given != view.body["hash"]:
        raise SlackError("hash_conflict")


def _body(given: JsonObject, view_id: str, now: float) -> JsonObject:
    kept = {name: given.get(name) for name in ("title", "submit", "close")}
    return {
        "id": view_id,
        "team_id": TEAM,
        "type": given["type"],
        **kept,
        "blocks": [with_ids(block) for block in as_objects(given["blocks"])],
        "private_metadata": as_text(given.get("private_metadata")),
        "callback_id": as_text(given.get("callback_id")),
        "external_id": as_text(given.get("external_id")),
        "hash": f"{int(now)}.{secrets.token_hex(4)}",
        "clear_on_close": bool(given.get("clear_on_close")),
        "notify_on_close": bool(given.get("notify_on_close")),
        "root_view_id": view_id,
        "previous_view_id": None,
        "app_id": APP_ID,
        "bot_id": BOT_ID,
    }
