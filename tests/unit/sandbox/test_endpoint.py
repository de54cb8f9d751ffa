"""Who may use the control API."""

import ipaddress
from types import SimpleNamespace

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from opsloop_sandbox.endpoint import Network, for_neighbours
from opsloop_sandbox.refusal import ControlRefusal

DOCKER = (ipaddress.ip_network("172.16.0.0/12"),)


async def fine(request: Request) -> Response:
    return PlainTextResponse("fine")


def request(caller: str, host: str, networks: tuple[Network, ...]) -> Request:
    app = SimpleNamespace(state=SimpleNamespace(neighbours=networks))
    headers = [(b"host", host.encode())]
    return Request({"type": "http", "client": (caller, 5000), "headers": headers, "app": app})


@pytest.mark.parametrize(("caller", "networks"), [("127.0.0.1", ()), ("172.18.0.1", DOCKER)])
async def test_this_machine_and_named_networks_may(caller: str, networks: tuple[Network, ...]) -> None:
    """In a container a browser of this machine comes from the gateway of the network."""
    assert (await for_neighbours(fine)(request(caller, "127.0.0.1:8090", networks))).status_code == 200


@pytest.mark.parametrize(
    ("caller", "host", "networks"),
    [
        ("172.18.0.1", "127.0.0.1:8090", ()),
        ("172.18.0.1", "elsewhere.example:8090", DOCKER),
        ("192.0.2.1", "127.0.0.1:8090", DOCKER),
        ("somebody", "127.0.0.1:8090", DOCKER),
    ],
)
async def test_nobody_else_may(caller: str, host: str, networks: tuple[Network, ...]) -> None:
    """Neither other networks, nor a page of somebody else that a browser of this machine shows."""
    with pytest.raises(ControlRefusal):
        await for_neighbours(fine)(request(caller, host, networks))
