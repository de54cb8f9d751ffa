"""Who owns which partition: each goes to the member that draws the highest lot for it. Pure.

When a member comes or goes, only the partitions move that it takes or leaves behind.
"""

import hashlib
from collections.abc import Collection

from opsloop_common.subjects import PARTITIONS


def owner_of(partition: int, members: Collection[str]) -> str:
    """The member to own a partition; members are not empty."""
    return max(members, key=lambda member: (_lot(partition, member), member))


def owned_by(name: str, members: Collection[str]) -> frozenset[int]:
    """The partitions of a member; none for somebody who is not one."""
    if name not in members:
        return frozenset()
    return frozenset(partition for partition in range(PARTITIONS) if owner_of(partition, members) == name)


def _lot(partition: int, member: str) -> bytes:
    return hashlib.sha256(f"{partition}:{member}".encode()).digest()
