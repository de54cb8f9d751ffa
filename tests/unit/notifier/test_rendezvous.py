"""Partitions and their owners: everything is owned by one, and little moves when somebody comes or goes."""

from hypothesis import given
from hypothesis import strategies as st

from opsloop_common.subjects import PARTITIONS, SHARDS, partition_of, shards_of
from opsloop_notifier.rendezvous import owned_by, owner_of

members = st.sets(st.from_regex(r"notifier-[0-9a-f]{12}", fullmatch=True), min_size=1, max_size=8)


@given(members)
def test_each_partition_has_one_owner(names: set[str]) -> None:
    """Whoever computes it, of all members exactly one owns a partition."""
    owned = [partition for name in names for partition in owned_by(name, names)]
    assert sorted(owned) == list(range(PARTITIONS))


@given(members, st.data())
def test_when_somebody_goes_only_theirs_moves(names: set[str], data: st.DataObject) -> None:
    """The others keep what they have."""
    gone = data.draw(st.sampled_from(sorted(names)))
    left = names - {gone}
    for partition in range(PARTITIONS):
        before = owner_of(partition, names)
        if before != gone:
            assert owner_of(partition, left) == before


def test_nobody_owns_anything_who_is_no_member() -> None:
    """A lapsed member has nothing."""
    assert owned_by("notifier-a", {"notifier-b"}) == frozenset()


def test_every_shard_is_in_one_partition() -> None:
    """The partition follows from the id, and its shards from the partition."""
    found = [shard for partition in range(PARTITIONS) for shard in shards_of(partition)]
    assert sorted(found) == [f"{shard:02}" for shard in range(SHARDS)]
    assert all(
        partition_of(f"{shard}-x") == partition for partition in range(PARTITIONS) for shard in shards_of(partition)
    )
