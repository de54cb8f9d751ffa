"""Sends requests to the app, signed or over its socket, and judges the answer as Slack would: within three seconds."""

import asyncio
import secrets
import time

import aiohttp
import msgspec

from opsloop_sandbox.calls import CallLog
from opsloop_sandbox.contract import Call, Delivery
from opsloop_sandbox.json_value import JsonObject
from opsloop_sandbox.sign import signed_headers
from opsloop_sandbox.sockets import Sockets

ACKNOWLEDGE_SECONDS = 3.0
FORM = "application/x-www-form-urlencoded"
LONGEST_KEPT_BODY = 64 * 1024


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the app. `method` and `args` are what the oracle notes."""

    method: str
    path: str
    body: bytes
    content_type: str
    args: JsonObject
    channel: str | None = None
    repeat: int = 1


class Courier:
    """`sockets`: while the app is connected to one, nothing goes over HTTP."""

    def __init__(
        self, *, app_url: str, signing_secret: str, calls: CallLog, session: aiohttp.ClientSession, sockets: Sockets
    ) -> None:
        self._app_url = app_url.rstrip("/")
        self._secret = signing_secret
        self._calls = calls
        self._session = session
        self._sockets = sockets

    async def deliver(self, parcel: Parcel) -> Delivery:
        """Never raises for what the app does. The first answer counts; repetitions carry the identical bytes."""
        headers = {"Content-Type": parcel.content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        headers |= signed_headers(self._secret, int(time.time()), parcel.body)
        first = await self._send(parcel, headers)
        repeats = [await self._send(parcel, headers) for _ in range(parcel.repeat - 1)]
        return msgspec.structs.replace(first, repeats=repeats)

    async def _send(self, parcel: Parcel, headers: dict[str, str]) -> Delivery:
        at = time.time()
        started = time.perf_counter()
        status, body, shown = 0, "", None
        try:
            status, body = await self._post(parcel, headers)
        except TimeoutError:
            shown = "operation_timeout"
        except aiohttp.ClientError:
            shown = "dispatch_failed"
        if shown is None and status != 200:
            shown = "dispatch_failed"
        elapsed_ms = (time.perf_counter() - started) * 1000
        delivery = Delivery(status=status, elapsed_ms=elapsed_ms, shown=shown, body=body)
        self._record(parcel, delivery, at)
        return delivery

    async def _post(self, parcel: Parcel, headers: dict[str, str]) -> tuple[int, str]:
        if self._sockets.carries(parcel.path, parcel.body):
            return await asyncio.wait_for(self._sockets.post(parcel.path, parcel.body), ACKNOWLEDGE_SECONDS)
        timeout = aiohttp.ClientTimeout(total=ACKNOWLEDGE_SECONDS)
        url = self._app_url + parcel.path
        async with self._session.post(
            url, data=parcel.body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            body = await response.read()
            return response.status, body[:LONGEST_KEPT_BODY].decode(errors="replace")

    def _record(self, parcel: Parcel, delivery: Delivery, at: float) -> None:
        outcome = "ok" if delivery.shown is None else str(delivery.status or delivery.shown)
        self._calls.add(
            Call(
                n=0,
                at=at,
                method=parcel.method,
                args=parcel.args,
                outcome=outcome,
                effect=delivery.shown is None,
                channel=parcel.channel,
                request_id=secrets.token_hex(16),
                elapsed_ms=delivery.elapsed_ms,
            )
        )
