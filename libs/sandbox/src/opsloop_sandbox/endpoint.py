"""What every endpoint of the control API shares: who may use it, and how JSON gets in and out."""

import ipaddress
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from opsloop_sandbox.connection import TooLarge, read_body
from opsloop_sandbox.contract import Refusal
from opsloop_sandbox.refusal import ControlRefusal

Wanted = TypeVar("Wanted")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Endpoint = Callable[[Request], Awaitable[Response]]


def for_neighbours(endpoint: Endpoint) -> Endpoint:
    """There is no password, so only this machine may use it, whatever address the sandbox listens on.

    In a container this machine has another address: `app.state.neighbours` are the networks that count as it.
    A browser on this machine shows pages of others too: their scripts are told by Origin, or by a Host of their own.
    """

    async def guarded(request: Request) -> Response:
        caller = request.client.host if request.client else ""
        if not (is_loopback(caller) or is_among(caller, request.app.state.neighbours)):
            raise ControlRefusal(403, "loopback_only", "the control API answers only to this machine")
        if not _is_our_own(request.headers.get("host", ""), request.headers.get("origin")):
            raise ControlRefusal(403, "foreign_page", "the control API answers only to the sandbox's own page")
        return await endpoint(request)

    return guarded


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_among(host: str, networks: tuple[Network, ...]) -> bool:
    try:
        return any(ipaddress.ip_address(host) in network for network in networks)
    except ValueError:
        return False


def _is_our_own(host: str, origin: str | None) -> bool:
    """A program names no origin; a page that was not loaded from here does."""
    name = urlsplit(f"//{host}").hostname or "localhost"
    return is_loopback(name) and (origin is None or urlsplit(origin).netloc == host)


def refused(request: Request, error: Exception) -> Response:
    """Starlette's handler for ControlRefusal."""
    if not isinstance(error, ControlRefusal):
        raise error
    return json_answer(Refusal(error=error.error, message=error.message), status=error.status)


async def read(request: Request, wanted: type[Wanted]) -> Wanted:
    try:
        return msgspec.json.decode(await read_body(request), type=wanted)
    except msgspec.DecodeError as error:
        raise ControlRefusal(400, "invalid_request", str(error)) from error
    except TooLarge as error:
        raise ControlRefusal(413, "too_large", "the request's body is over 1 MiB") from error


def number(request: Request, name: str) -> int:
    try:
        return int(request.query_params.get(name, "0"))
    except ValueError as error:
        raise ControlRefusal(400, "invalid_request", f"{name} must be a whole number") from error


def json_answer(value: object, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
