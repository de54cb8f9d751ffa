"""A sandbox on a free port: inside the test's own loop, or as a process that can be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from opsloop_sandbox.app import Options, build_app
from opsloop_sandbox.client import SandboxClient
from opsloop_sandbox.server import bind, build_server
from waiting import until

SECRET = "test-signing-secret"
TOKEN = "xoxb-test"
CONTENT_TOKEN = "content-token"
CLERK_KEY = "sk_test_of_the_sandbox"
NOBODY = "http://127.0.0.1:9"  # nothing listens on the discard port


@asynccontextmanager
async def sandbox_at(
    directory: Path,
    *,
    app_url: str = NOBODY,
    rate_limits: bool = False,
    nats_url: str = "",
    supervisor: Path | None = None,
    app_token: str = "",
) -> AsyncIterator[SandboxClient]:
    listener = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    options = Options(
        base_url=url,
        app_url=app_url,
        directory=directory,
        signing_secret=SECRET,
        bot_token=TOKEN,
        content_token=CONTENT_TOKEN,
        rate_limits=rate_limits,
        nats_url=nats_url,
        supervisor=supervisor,
        app_token=app_token,
        clerk_key=CLERK_KEY,
    )
    async with aiohttp.ClientSession() as session:
        server = build_server(build_app(options, session), url)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        try:
            async with SandboxClient(url) as client:
                yield client
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def slack_client(sandbox: SandboxClient, token: str = TOKEN) -> AsyncIterator[AsyncWebClient]:
    """slack_sdk with one session and no retries."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield AsyncWebClient(token=token, base_url=sandbox.api_url, session=session, retry_handlers=[])


def environment(directory: Path, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "SANDBOX_PORT": "0",
        "OPSLOOP_DATA": str(directory),
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_BOT_TOKEN": TOKEN,
        "DEALER_CONTENT_TOKEN": CONTENT_TOKEN,
        "SANDBOX_APP_URL": NOBODY,
    } | changes


@contextmanager
def sandbox_process(directory: Path, **changes: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the address it printed; it is dead afterwards. `changes` of its environment."""
    command = [sys.executable, "-m", "opsloop_sandbox"]
    process = subprocess.Popen(command, env=environment(directory, **changes), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(timeout=5)
        process.stdout.close()
