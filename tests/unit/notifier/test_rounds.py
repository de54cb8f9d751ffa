"""When a view is read back, and a doubt is looked into again."""

from opsloop_notifier.rounds import Rounds

ROUNDS = Rounds(settle_seconds=5, sweeps_seconds=(60, 600))


def test_a_doubtful_post_is_looked_for_at_each_sweep() -> None:
    """After the first, the next is at its own time; after the last there is none."""
    assert ROUNDS.first_sweep() == 60
    assert ROUNDS.until_next_sweep(1) == 540
    assert ROUNDS.until_next_sweep(2) is None


def test_a_final_view_is_read_once_unless_it_is_in_doubt() -> None:
    """In doubt it is read at the sweeps too; sweeps that are due before it settled are none."""
    assert ROUNDS.until_next_reading(1, is_doubtful=False) is None
    assert [ROUNDS.until_next_reading(looks, is_doubtful=True) for looks in (1, 2, 3)] == [55, 540, None]
    early = Rounds(settle_seconds=100, sweeps_seconds=(60, 600))
    assert [early.until_next_reading(looks, is_doubtful=True) for looks in (1, 2)] == [500, None]
