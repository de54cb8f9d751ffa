"""How a fault answers, once it is settled whether the call took effect."""

import asyncio

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from opsloop_sandbox.connection import reset
from opsloop_sandbox.contract import FaultRequest

PROXY_PAGE = "<html><head><title>Error</title></head><body><h1>{title}</h1></body></html>"


def proxy_page(status: int, title: str) -> Response:
    """What a gateway in front of Slack answers: HTML, not JSON."""
    return HTMLResponse(PROXY_PAGE.format(title=title), status_code=status)


def rate_limited(retry_after: int | None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=headers)


async def misbehave(fault: FaultRequest, honest: Response | None, request: Request) -> Response:
    """`honest` is the answer without the fault; None if the call was not carried out."""
    match fault.behaviour:
        case "stored_then_reset":
            await reset(request)
            return Response()
        case "ratelimited":
            return rate_limited(fault.retry_after)
        case "unreadable_body":
            return proxy_page(200, "Please wait")
        case "error":
            return JSONResponse({"ok": False, "error": fault.code})
        case "hang":
            await asyncio.sleep(fault.seconds)
            return honest or proxy_page(504, "Gateway Timeout")
        case "history_lag":
            return honest or proxy_page(500, "Internal Server Error")
        case _:
            return proxy_page(500, "Internal Server Error")


def outcome_of(fault: FaultRequest) -> str:
    """The oracle's word for a call that a fault kept from being carried out."""
    match fault.behaviour:
        case "ratelimited":
            return "ratelimited"
        case "error":
            return fault.code
        case "hang":
            return "timeout"
        case "unreadable_body":
            return "200"
        case _:
            return "500"
