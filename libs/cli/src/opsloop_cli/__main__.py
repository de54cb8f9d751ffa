"""The `opsloop` command. Reads the environment, runs what was asked, and turns every end into a line and a code.

0 = done or stopped on request, 1 = the check found something wrong, 2 = cannot do it, with one line that says why.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Coroutine, Mapping
from pathlib import Path

from opsloop_cli import arguments
from opsloop_cli.arguments import Arguments
from opsloop_common.redact import Redactor
from opsloop_common.runtime import CANNOT_START, CannotStart
from opsloop_common.settings import SettingsError


def main() -> None:
    asked = arguments.read(sys.argv[1:])
    # What goes wrong is told in our own words; without a handler the libraries' would stand beside them.
    logging.getLogger().addHandler(logging.NullHandler())
    sys.exit(_guarded(asked, os.environ))


def _guarded(asked: Arguments, environment: Mapping[str, str]) -> int:
    try:
        return asyncio.run(_until_signal(_job(asked, environment)))
    except SettingsError as error:
        return _tell(*error.mistakes)
    except CannotStart as error:
        return _tell(str(error))
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # Whoever read our output went away; there is nobody to tell.
        sys.stdout = None  # keeps the interpreter from flushing it at exit
        return CANNOT_START
    except Exception:
        return _tell(f"this should not have happened; what did is in {_kept(traceback.format_exc())}")


def _job(asked: Arguments, environment: Mapping[str, str]) -> Coroutine[None, None, int]:
    # Imported here, so that `opsloop --help` answers at once.
    if asked.verb == "provision":
        from opsloop_cli import provision

        return provision.run(environment)
    if asked.verb == "audit":
        from opsloop_cli import audits

        return audits.run(environment)
    if asked.verb == "doctor":
        from opsloop_cli.doctor import examination

        return examination.run(environment, as_json=asked.json, channel=asked.channel)
    if asked.verb == "dlq":
        from opsloop_cli import dead_letters

        return dead_letters.run(environment, asked.action, asked.letter)
    if asked.verb == "task":
        from opsloop_cli import tasks

        return tasks.run(environment, asked)
    if asked.verb == "publish":
        from opsloop_cli import publish

        return publish.run(environment, asked)
    if asked.verb == "conformance":
        from opsloop_cli import conformance

        return conformance.run(environment, asked)
    if asked.verb == "up":
        from opsloop_cli import up

        return up.run(environment, asked)
    from opsloop_cli import check, demo

    return check.run(environment, as_json=asked.json) if asked.check else demo.run(environment, asked)


async def _until_signal(job: Coroutine[None, None, int]) -> int:
    """Runs the job; SIGINT, SIGTERM and a closed terminal cancel it, which is a good end."""
    task = asyncio.ensure_future(job)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    return 0


def _tell(*lines: str) -> int:
    for line in lines:
        print(f"opsloop: {Redactor()(line)}", file=sys.stderr)
    return CANNOT_START


def _kept(trace: str) -> str:
    """The path of a new file with the traceback, for a report."""
    handle, path = tempfile.mkstemp(prefix="opsloop-error-", suffix=".log")
    with os.fdopen(handle, "w") as file:
        file.write(Redactor()(trace))
    return str(Path(path))


if __name__ == "__main__":
    main()
