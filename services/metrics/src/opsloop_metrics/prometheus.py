"""Prometheus over HTTP: a query in, the answer's bytes out, within a deadline and a size; else `Unavailable`."""

import asyncio

import aiohttp

from opsloop_metrics.reading import complaint

DEADLINE_SECONDS = 2.0
LARGEST_ANSWER_BYTES = 2_000_000
LARGEST_COMPLAINT_BYTES = 10_000
LONGEST_REASON = 300
AT_ONCE = 8


class Unavailable(Exception):
    """Prometheus did not answer the query; the text says what happened instead, for the log."""


class Prometheus:
    """One Prometheus. The session is not closed by it.

    At most `at_once` queries are under way; waiting for one's turn counts against its deadline.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        token: str = "",
        deadline_seconds: float = DEADLINE_SECONDS,
        largest_answer_bytes: int = LARGEST_ANSWER_BYTES,
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._deadline_seconds = deadline_seconds
        self._largest_answer_bytes = largest_answer_bytes
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def query(self, promql: str) -> bytes:
        """The answer to an instant query, now. Raises Unavailable within the deadline."""
        return await self._ask("query", {"query": promql})

    async def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> bytes:
        """The answer to a range query between two times in Unix seconds. Raises Unavailable within the deadline."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step_seconds:.3f}"}
        return await self._ask("query_range", {"query": promql, **times})

    async def _ask(self, endpoint: str, form: dict[str, str]) -> bytes:
        try:
            async with asyncio.timeout(self._deadline_seconds), self._turns:
                # Prometheus takes "1.9" and "1900ms", not "1.9s".
                return await self._post(endpoint, {**form, "timeout": f"{self._deadline_seconds:g}"})
        except TimeoutError as error:
            raise Unavailable(f"no answer within {self._deadline_seconds:g} s") from error
        except aiohttp.ClientResponseError as error:
            # Its text names the URL, which may hold a password.
            raise Unavailable(f"{type(error).__name__}: {error.message}") from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise Unavailable(f"PROMETHEUS_URL cannot be asked: {type(error).__name__}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{type(error).__name__}: {error}"[:LONGEST_REASON]) from error

    async def _post(self, endpoint: str, form: dict[str, str]) -> bytes:
        url = f"{self._url}/api/v1/{endpoint}"
        async with self._session.post(url, data=form, headers=self._headers, allow_redirects=False) as response:
            if response.status != 200:
                raise Unavailable(_refusal(response.status, await _head(response, LARGEST_COMPLAINT_BYTES)))
            body = await _head(response, self._largest_answer_bytes)
            if len(body) > self._largest_answer_bytes:
                # What is still to come will not be read: the connection is of no use to the next query.
                response.close()
                raise Unavailable(f"an answer of more than {self._largest_answer_bytes} bytes")
            return body


async def _head(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The body, read no further than to see that it is longer than `most_bytes`."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most_bytes:
            break
    return bytes(body)


def _refusal(status: int, body: bytes) -> str:
    found = complaint(body)
    return f"status {status} {found.error_type} {found.error}".strip()[:LONGEST_REASON]
