"""The HTTP application: three paths for Slack, three for the probe, the pages of runs. No middleware, no access log."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from opsloop_common.probe import Health
from opsloop_ingress.asked import Kind
from opsloop_ingress.intake import Intake, Reply

PROBE_PATHS = ("/healthz", "/readyz", "/metrics")
SLACK_PATHS: dict[str, Kind] = {
    "/slack/commands": "command",
    "/slack/interactions": "interaction",
    "/slack/events": "event",
}


def build(intake: Intake, health: Health, runs: Sequence[BaseRoute] = ()) -> ASGIApp:
    """A bare router: Starlette's own middleware would turn a bug into a 500, and costs more than all our checks."""
    slack = [Route(path, SlackEndpoint(kind, intake), methods=["POST"]) for path, kind in SLACK_PATHS.items()]
    probe = [Route(path, ProbeEndpoint(health), methods=["GET"]) for path in PROBE_PATHS]
    return Router([*slack, *probe, *runs], redirect_slashes=False)


class SlackEndpoint:
    """Takes one kind of request. An ASGI application, so no Request and Response are built for each."""

    def __init__(self, kind: Kind, intake: Intake) -> None:
        self._kind = kind
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _send(send, await self._intake.take(self._kind, scope["headers"], receive))


class ProbeEndpoint:
    def __init__(self, health: Health) -> None:
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._health.answer(scope["path"])
        if answer is None:
            await _send(send, Reply(404))
        else:
            await _send(send, Reply(answer.status, answer.body, answer.content_type.encode()))


async def _send(send: Send, reply: Reply) -> None:
    headers = [(b"content-length", b"%d" % len(reply.body))]
    if reply.content_type:
        headers.append((b"content-type", reply.content_type))
    if reply.close:
        headers.append((b"connection", b"close"))
    start: Message = {"type": "http.response.start", "status": reply.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": reply.body})
