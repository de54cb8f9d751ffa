"""Names on the bus."""

from hypothesis import given
from hypothesis import strategies as st

from opsloop_common.people import Conversation
from opsloop_common.subjects import Subjects, event_in, id_in, is_id, is_token, make_id

ANY = st.text(max_size=60)


@given(ANY, ANY, st.lists(ANY, max_size=4))
def test_an_id_is_always_made_of_tokens_and_carries_its_shard(
    workspace: str, channel: str, identity: list[str]
) -> None:
    """Whatever a chat product or a user sends, no text of theirs reaches a subject."""
    conversation = Conversation(workspace, channel)
    id = make_id(conversation, *identity)
    assert is_id(id)
    assert is_token(id)
    assert id == make_id(conversation, *identity)
    assert id[:2] == make_id(conversation, "another")[:2]
    subject = Subjects().event(id, "started")
    assert (id_in(subject), event_in(subject)) == (id, "started")


def test_parts_of_an_identity_do_not_run_together() -> None:
    """("ab", "c") and ("a", "bc") are two requests."""
    here = Conversation("T", "C")
    assert make_id(here, "ab", "c") != make_id(here, "a", "bc")


def test_another_root_is_another_installation() -> None:
    """Subjects and streams of two roots never meet."""
    assert Subjects("acme").stream("EVT") == "ACME_EVT"
    assert Subjects("acme").all_events == "acme.evt.>"
