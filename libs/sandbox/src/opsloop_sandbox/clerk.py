"""A local Clerk under `/clerk/v1`: the listing of users, as far as Clerk's own SDK looks; wrong on purpose when asked.

A key that Clerk does not know is told with 401, as https://github.com/clerk/clerk-sdk-python/issues/26 shows it.
"""

import asyncio
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from opsloop_sandbox.clerk_contract import ClerkUserRequest
from opsloop_sandbox.clerk_filters import BadParameter, listed
from opsloop_sandbox.clerk_users import ClerkUsers, described
from opsloop_sandbox.connection import reset
from opsloop_sandbox.contract import FaultRequest
from opsloop_sandbox.endpoint import for_neighbours, json_answer, read
from opsloop_sandbox.faults import CLERK_METHOD, Faults
from opsloop_sandbox.misbehaviour import proxy_page

BAD_KEY = "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct."
TOO_MANY = "Too many requests. Please try again in a bit."


class Clerk:
    """`secret_key` empty: no key is the right one."""

    def __init__(self, *, users: ClerkUsers, secret_key: str, faults: Faults) -> None:
        self._users = users
        self._key = secret_key
        self._faults = faults

    def routes(self) -> list[Route]:
        return [
            Route("/clerk/v1/users", self.list_users, methods=["GET"]),
            Route("/clerk/v1/{rest:path}", _not_found, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/control/clerk/users", for_neighbours(self.show_users), methods=["GET"]),
            Route("/control/clerk/users", for_neighbours(self.change_user), methods=["POST"]),
        ]

    async def list_users(self, request: Request) -> Response:
        fault = self._faults.strike(CLERK_METHOD, "")
        honest = self._listing(request)
        return honest if fault is None else await _misbehave(fault, honest, request)

    async def show_users(self, request: Request) -> Response:
        return json_answer(self._users.all())

    async def change_user(self, request: Request) -> Response:
        self._users.change(await read(request, ClerkUserRequest))
        return json_answer(self._users.all())

    def _listing(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not self._key or not secrets.compare_digest(given.encode(), self._key.encode()):
            return _errors(401, "clerk_key_invalid", BAD_KEY)
        try:
            found = listed(self._users.all(), request.query_params.multi_items())
        except BadParameter as error:
            return _errors(422, "form_param_format_invalid", str(error), meta={"param_name": error.name})
        return JSONResponse([described(user) for user in found])


async def _misbehave(fault: FaultRequest, honest: Response, request: Request) -> Response:
    match fault.behaviour:
        case "stored_then_reset":
            await request.body()
            await reset(request)
            return Response()
        case "hang":
            await asyncio.sleep(fault.seconds)
            return honest
        case "ratelimited":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return _errors(429, "too_many_requests", TOO_MANY, headers=headers)
        case "unreadable_body":
            return proxy_page(200, "Please wait")
        case "error":
            return _errors(422, fault.code, fault.code)
        case _:
            return proxy_page(500, "Internal Server Error")


async def _not_found(request: Request) -> Response:
    return _errors(404, "resource_not_found", "not found")


def _errors(
    status: int,
    code: str,
    message: str,
    *,
    meta: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The shape of everything that Clerk refuses."""
    error = {"code": code, "message": message, "long_message": message, "meta": meta or {}}
    body = {"errors": [error], "clerk_trace_id": secrets.token_hex(16)}
    return JSONResponse(body, status_code=status, headers=headers)
