"""The same nats-server in a container, for whoever has an engine and sets OPSLOOP_TEST_CONTAINERS=1."""

import contextlib
import socket
import time
from pathlib import Path

from testcontainers.core.container import DockerContainer

from broker import NatsServer

IMAGE = "nats:2.12-alpine"
START_SECONDS = 20


class NatsInContainer(NatsServer):
    """Killed and started again it keeps its container, its port and its store."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._config.write_text(
            'listen: "0.0.0.0:4222"\njetstream { store_dir: "/broker/store", sync_interval: always }\n'
        )
        self._container = (
            DockerContainer(IMAGE)
            .with_volume_mapping(str(folder), "/broker", "rw")
            .with_command(f"-c /broker/{self._config.name}")
        )
        # Published on loopback alone, which the engine's client knows and this one has no word for.
        self._container.ports["4222"] = ("127.0.0.1", self.port)  # type: ignore[assignment]
        self._is_made = False

    def start(self) -> None:
        if self._is_made:
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._is_made = True
        deadline = time.monotonic() + START_SECONDS
        while not self._greets():
            assert time.monotonic() < deadline, "nats-server did not start in its container"
            time.sleep(0.05)

    def _greets(self) -> bool:
        """Its own words: the engine's proxy accepts connections before anybody listens behind it."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
            return connection.recv(4) == b"INFO"
        return False

    def kill(self) -> None:
        """kill -9."""
        container = self._container.get_wrapped_container()
        container.reload()
        if container.status == "running":
            container.kill("SIGKILL")
            container.wait()

    def remove(self) -> None:
        if self._is_made:
            self._container.stop()
        self._container.get_docker_client().client.close()
