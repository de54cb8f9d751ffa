"""An outside system with effects that can be counted: what tasks do to the world, and when.

`POST /effects/<name>` works for `work_ms` of its query and then takes effect, if its caller is still there. It needs
a key, `<task>:<attempt>:<step>`: as `Idempotency-Key` a repetition has no second effect, as `X-Step` it does. It
refuses a lower fence than it saw for the task, before it works and after. What goes wrong on purpose is a fault of
"effect.post".
"""

import asyncio
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from opsloop_sandbox.connection import disconnected, read_body
from opsloop_sandbox.contract import EffectSeen
from opsloop_sandbox.endpoint import for_neighbours, json_answer, number
from opsloop_sandbox.faults import Faults, stores
from opsloop_sandbox.fences import Fences, MalformedFence, fence_of, task_in
from opsloop_sandbox.journal import Journal
from opsloop_sandbox.misbehaviour import misbehave

EFFECT_METHOD = "effect.post"
LONGEST_WORK_MS = 60_000


class Effects:
    def __init__(self, journal_path: Path, faults: Faults) -> None:
        self._faults = faults
        self._fences = Fences()
        self._seen: list[EffectSeen] = []
        self._done: set[str] = set()
        self._journal: Journal[EffectSeen] = Journal(journal_path, EffectSeen)
        for one in self._journal.replay():
            self._apply(one)

    def close(self) -> None:
        self._journal.close()

    def routes(self) -> list[Route]:
        return [
            Route("/effects/{name}", self.post, methods=["POST"]),
            Route("/control/effects", for_neighbours(self.show), methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """Every attempt at an effect that ended, in the order of their ends."""
        return json_answer(self._seen)

    async def post(self, request: Request) -> Response:
        await read_body(request)
        key = request.headers.get("idempotency-key") or request.headers.get("x-step") or ""
        try:
            fence = fence_of(request)
        except MalformedFence:
            return JSONResponse({"error": "X-Fence must be a whole number"}, status_code=400)
        if not key:
            return JSONResponse({"error": "an Idempotency-Key or X-Step is required"}, status_code=400)
        fault = self._faults.strike(EFFECT_METHOD, request.path_params["name"])
        if fault is not None and not stores(fault):
            return await misbehave(fault, None, request)
        response = await self._take(request, key, fence)
        return response if fault is None else await misbehave(fault, response, request)

    async def _take(self, request: Request, key: str, fence: int) -> Response:
        began_at, task = time.time(), task_in(key)
        problem = self._fences.objection(task, fence)
        is_there = True
        if problem is None:
            self._fences.note(task, fence)
            is_there = await _work(request, min(number(request, "work_ms"), LONGEST_WORK_MS) / 1000)
            problem = self._fences.objection(task, fence)
        is_repeated = "idempotency-key" in request.headers and key in self._done
        seen = EffectSeen(
            n=len(self._seen) + 1,
            name=request.path_params["name"],
            task=task,
            key=key,
            fence=fence,
            began_at=began_at,
            ended_at=time.time(),
            status=409 if problem else (200 if is_there else 0),
            effect=problem is None and is_there and not is_repeated,
        )
        self._journal.append(seen)
        self._apply(seen)
        return JSONResponse({"error": problem} if problem else {"n": seen.n, "effect": seen.effect}, seen.status or 200)

    def _apply(self, seen: EffectSeen) -> None:
        self._seen.append(seen)
        if seen.status == 200:
            self._fences.note(seen.task, seen.fence)
        if seen.effect:
            self._done.add(seen.key)


async def _work(request: Request, seconds: float) -> bool:
    """Whether the caller is still there when the work is done; one that leaves ends it."""
    leaving = asyncio.create_task(disconnected(request))
    try:
        left, _ = await asyncio.wait({leaving}, timeout=seconds)
        return not left
    finally:
        leaving.cancel()
