"""The broker. Nothing else in OpsLoop imports the NATS client.

`connection` publishes and reads, `consume` consumes with backpressure, `streams` is the table of what must exist,
`durability` refuses a broker that may forget what it acknowledged.
"""

from opsloop_common.bus.connection import (
    Bus,
    BusError,
    Conflict,
    Expect,
    Progress,
    Refused,
    Seen,
    Stored,
    Unconfirmed,
    Unsent,
)

__all__ = ["Bus", "BusError", "Conflict", "Expect", "Progress", "Refused", "Seen", "Stored", "Unconfirmed", "Unsent"]
