"""Asks the service in this container whether its event loop is alive. Exit code 0 = it says yes."""

import http.client
import os
import sys

PORTS = {"ingress": 8080, "orchestrator": 8081, "notifier": 8082, "metrics": 8083, "sandbox": 8090}
ANY = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


def main() -> int:
    service, host = os.environ["SERVICE"], os.environ.get("OPSLOOP_HOST", "")
    port = int(os.environ.get(f"{service.upper()}_PORT") or PORTS[service])
    connection = http.client.HTTPConnection("127.0.0.1" if host in ANY else host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return int(connection.getresponse().status != 200)
    except OSError as error:
        print(f"no answer: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
