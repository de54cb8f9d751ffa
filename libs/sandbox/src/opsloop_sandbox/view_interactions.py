"""What people do with a modal or a home: submit it, close it, click in it; and what the app's answer then changes."""

import time

import msgspec

from opsloop_sandbox.contract import (
    Delivery,
    Submission,
    User,
    ViewClickRequest,
    ViewCloseRequest,
    ViewSubmitRequest,
)
from opsloop_sandbox.delivery import FORM, Courier, Parcel
from opsloop_sandbox.json_value import JsonObject, as_object, as_text
from opsloop_sandbox.payloads import action_of, find_action, view_body
from opsloop_sandbox.refusal import not_found
from opsloop_sandbox.triggers import Triggers
from opsloop_sandbox.view_state import Filling, missing, state_of
from opsloop_sandbox.views import View, Views
from opsloop_sandbox.workspace import Workspace

TROUBLE = "We had some trouble connecting. Try again?"


class ViewInteractions:
    def __init__(self, *, workspace: Workspace, views: Views, courier: Courier, triggers: Triggers) -> None:
        self._workspace = workspace
        self._views = views
        self._courier = courier
        self._triggers = triggers

    def _find(self, user_id: str, view_id: str) -> tuple[User, View]:
        user = self._workspace.users.get(user_id)
        view = self._views.view_of(user_id, view_id)
        if user is None or view is None:
            raise not_found("view_not_found", f"{user_id} sees no view {view_id}")
        return user, view

    async def submit(self, request: ViewSubmitRequest) -> Submission:
        """Required fields are Slack's own business; the rest the app decides."""
        user, view = self._find(request.user, request.view_id)
        errors = missing(view.blocks, request.values)
        if errors:
            return Submission(delivery=None, errors=errors)
        filling = Filling(view.body, state_of(view.blocks, request.values))
        more: JsonObject = {"trigger_id": self._triggers.issue(user.id, time.time()), "response_urls": []}
        parcel = _parcel("deliver.submission", user, filling, {"type": "view_submission", **more})
        delivery = await self._courier.deliver(parcel)
        if delivery.shown is not None:
            return Submission(delivery=delivery, shown=TROUBLE)
        return self._obey(view, delivery)

    def _obey(self, view: View, delivery: Delivery) -> Submission:
        answer = _answer(delivery.body)
        action = as_text(answer.get("response_action"))
        if action == "errors":
            said = as_object(answer.get("errors")) or {}
            return Submission(delivery=delivery, errors={block: as_text(text) for block, text in said.items()})
        if action == "update":
            problems = self._views.replace(view, answer.get("view"), time.time())
            return Submission(delivery=delivery, shown="; ".join(problems) or None)
        if action in ("", "clear"):
            if self._views.view_of(view.user, view.id) is not None:
                self._views.dismiss(view)
            return Submission(delivery=delivery)
        return Submission(delivery=delivery, shown=f"The sandbox does not know response_action {action!r}.")

    async def close(self, request: ViewCloseRequest) -> Delivery | None:
        """None unless the app wanted to know."""
        user, view = self._find(request.user, request.view_id)
        if view.is_home:
            raise not_found("view_not_found", "a home cannot be closed")
        self._views.dismiss(view)
        if not view.body["notify_on_close"]:
            return None
        filling = Filling(view.body, {"values": {}})
        parcel = _parcel("deliver.view_closed", user, filling, {"type": "view_closed", "is_cleared": False})
        return await self._courier.deliver(parcel)

    async def click(self, request: ViewClickRequest) -> Delivery:
        user, view = self._find(request.user, request.view_id)
        element = find_action(view.blocks, request.action_id, request.block_id)
        if element is None:
            raise not_found("action_not_found", f"no element {request.action_id!r} in view {view.id}")
        trigger_id = self._triggers.issue(user.id, time.time())
        more: JsonObject = {
            "type": "block_actions",
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": trigger_id,
            "actions": [action_of(element, request.value, f"{time.time():.6f}")],
        }
        filling = Filling(view.body, state_of(view.blocks, request.values))
        delivery = await self._courier.deliver(_parcel("deliver.click", user, filling, more))
        return msgspec.structs.replace(delivery, trigger_id=trigger_id)


def _answer(body: str) -> JsonObject:
    """The body of the 200; what is no JSON object counts as empty, as an acknowledgement may be."""
    try:
        decoded: object = msgspec.json.decode(body or "{}")
    except msgspec.DecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _parcel(method: str, user: User, filling: Filling, more: JsonObject) -> Parcel:
    return Parcel(
        method=method,
        path="/slack/interactions",
        body=view_body(user, filling.shown, more),
        content_type=FORM,
        args={"user": user.id, "view_id": filling.view["id"], "type": more["type"], "state": filling.state},
    )
