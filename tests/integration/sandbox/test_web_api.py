"""Slack's Web API, judged by slack_sdk."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from integration.sandbox.running import slack_client
from opsloop_sandbox.client import SandboxClient

MARKER = {"event_type": "opsloop_message", "event_payload": {"key": "k1", "attempt": 1}}
SECTION = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]


async def refused(call: Any) -> tuple[str, dict[str, Any]]:
    """Slack's error code and the whole answer."""
    with pytest.raises(SlackApiError) as caught:
        await call
    data: dict[str, Any] = caught.value.response.data
    return data["error"], data


async def test_auth_test_names_the_workspace_and_the_bot(slack: AsyncWebClient) -> None:
    """auth.test says which team and which bot the token belongs to, and its scopes stand in a header."""
    answer = await slack.auth_test()

    assert (answer["team_id"], answer["user_id"]) == ("T0OPSLOOP", "U0BOT")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


async def test_a_wrong_token_is_refused(sandbox: SandboxClient) -> None:
    """A token that is not the bot's gets invalid_auth, none at all not_authed, and an unknown method its own error."""
    async with slack_client(sandbox, token="xoxb-other") as stranger:
        assert (await refused(stranger.auth_test()))[0] == "invalid_auth"
    async with slack_client(sandbox, token="") as nobody:
        assert (await refused(nobody.api_call("auth.test")))[0] == "not_authed"
        assert (await refused(nobody.api_call("auth.nonsense")))[0] == "unknown_method"


async def test_a_post_is_seen_read_back_and_linked(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """A posted message is what a person sees, what history returns and what its permalink names."""
    posted = await slack.chat_postMessage(channel="C0OPS", text="hello", blocks=SECTION)

    ts = posted["ts"]
    [seen] = await sandbox.messages("U0BOB", "C0OPS")
    history = await slack.conversations_history(channel="C0OPS")
    link = await slack.chat_getPermalink(channel="C0OPS", message_ts=ts)
    assert (seen.ts, seen.text, seen.blocks[0]["type"]) == (ts, "hello", "section")
    assert posted["message"]["blocks"][0]["block_id"] == seen.blocks[0]["block_id"]
    assert [message["ts"] for message in history["messages"]] == [ts]
    assert link["permalink"].endswith(f"/C0OPS/p{ts.replace('.', '')}")


async def test_metadata_comes_back_only_when_asked_for(slack: AsyncWebClient) -> None:
    """Metadata is kept through an update that leaves it out, and shown only with include_all_metadata."""
    ts = (await slack.chat_postMessage(channel="C0OPS", text="a", metadata=MARKER))["ts"]
    await slack.chat_update(channel="C0OPS", ts=ts, text="b")

    bare = await slack.conversations_history(channel="C0OPS")
    full = await slack.conversations_history(channel="C0OPS", include_all_metadata=True)

    assert "metadata" not in bare["messages"][0]
    assert full["messages"][0]["metadata"] == MARKER


async def test_metadata_with_a_dot_in_its_type_vanishes(slack: AsyncWebClient) -> None:
    """An event type with other characters than letters, digits and underscores is dropped without an error."""
    posted = await slack.chat_postMessage(
        channel="C0OPS", text="a", metadata={"event_type": "ops.loop", "event_payload": {}}
    )

    assert "metadata" not in posted["message"]


async def test_an_update_with_text_alone_removes_the_blocks(slack: AsyncWebClient) -> None:
    """Text without blocks takes the blocks away and marks the message as edited; blocks with text do not mark it."""
    ts = (await slack.chat_postMessage(channel="C0OPS", text="a", blocks=SECTION))["ts"]

    with_blocks = await slack.chat_update(channel="C0OPS", ts=ts, text="b", blocks=SECTION)
    text_alone = await slack.chat_update(channel="C0OPS", ts=ts, text="c")

    assert "edited" not in with_blocks["message"]
    assert "blocks" not in text_alone["message"]
    assert "edited" in text_alone["message"]


async def test_replies_are_in_the_thread_and_not_in_history(slack: AsyncWebClient) -> None:
    """A reply is found by conversations.replies only, and its parent counts it."""
    parent = (await slack.chat_postMessage(channel="C0OPS", text="parent"))["ts"]
    reply = (await slack.chat_postMessage(channel="C0OPS", text="reply", thread_ts=parent))["ts"]

    history = await slack.conversations_history(channel="C0OPS")
    thread = await slack.conversations_replies(channel="C0OPS", ts=parent)

    assert [(m["ts"], m["reply_count"]) for m in history["messages"]] == [(parent, 1)]
    assert [message["ts"] for message in thread["messages"]] == [parent, reply]


async def test_only_a_parent_can_be_replied_to(slack: AsyncWebClient) -> None:
    """The ts of a reply or of no message at all starts no thread."""
    parent = (await slack.chat_postMessage(channel="C0OPS", text="parent"))["ts"]
    reply = (await slack.chat_postMessage(channel="C0OPS", text="reply", thread_ts=parent))["ts"]

    to_reply = slack.chat_postMessage(channel="C0OPS", text="x", thread_ts=reply)
    to_nothing = slack.chat_postMessage(channel="C0OPS", text="x", thread_ts="1.000001")

    assert (await refused(to_reply))[0] == "cannot_reply_to_message"
    assert (await refused(to_nothing))[0] == "thread_not_found"


async def test_a_deleted_parent_leaves_a_placeholder(slack: AsyncWebClient) -> None:
    """Deleting a message with replies leaves a tombstone; one without replies is gone, and so are its updates."""
    parent = (await slack.chat_postMessage(channel="C0OPS", text="parent"))["ts"]
    await slack.chat_postMessage(channel="C0OPS", text="reply", thread_ts=parent)
    lonely = (await slack.chat_postMessage(channel="C0OPS", text="lonely"))["ts"]

    await slack.chat_delete(channel="C0OPS", ts=parent)
    await slack.chat_delete(channel="C0OPS", ts=lonely)

    history = await slack.conversations_history(channel="C0OPS")
    assert [(m["ts"], m["subtype"]) for m in history["messages"]] == [(parent, "tombstone")]
    for ts in (parent, lonely):
        assert (await refused(slack.chat_update(channel="C0OPS", ts=ts, text="x")))[0] == "message_not_found"


async def test_history_comes_in_pages_without_gaps(slack: AsyncWebClient) -> None:
    """Following next_cursor returns every message exactly once, newest first; bounds are exclusive unless asked."""
    sent = [(await slack.chat_postMessage(channel="C0OPS", text=str(n)))["ts"] for n in range(7)]

    found: list[str] = []
    async for page in await slack.conversations_history(channel="C0OPS", limit=3):
        found += [message["ts"] for message in page["messages"]]
    exclusive = await slack.conversations_history(channel="C0OPS", oldest=sent[2], latest=sent[4])
    inclusive = await slack.conversations_history(channel="C0OPS", oldest=sent[2], latest=sent[4], inclusive=True)

    assert found == sent[::-1]
    assert [message["ts"] for message in exclusive["messages"]] == [sent[3]]
    assert [message["ts"] for message in inclusive["messages"]] == sent[4:1:-1]


async def test_a_thread_comes_in_pages_without_gaps(slack: AsyncWebClient) -> None:
    """conversations.replies follows its cursor through parent and replies, oldest first, each once."""
    parent = (await slack.chat_postMessage(channel="C0OPS", text="parent"))["ts"]
    sent = [parent]
    for n in range(4):
        sent.append((await slack.chat_postMessage(channel="C0OPS", text=str(n), thread_ts=parent))["ts"])

    found: list[str] = []
    async for page in await slack.conversations_replies(channel="C0OPS", ts=parent, limit=2):
        found += [message["ts"] for message in page["messages"]]

    assert found == sent


async def test_channels_are_closed_as_in_slack(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """A private channel without the bot does not exist; public and archived ones say what they are."""
    await sandbox.settings(channel="C0RANDOM", bot_member=False)
    assert (await refused(slack.chat_postMessage(channel="C0RANDOM", text="x")))[0] == "not_in_channel"
    assert (await refused(slack.conversations_history(channel="C0RANDOM")))[0] == "not_in_channel"
    assert (await refused(slack.chat_postMessage(channel="G0PRIVATE", text="x")))[0] == "channel_not_found"
    await sandbox.settings(channel="C0OPS", archived=True)
    assert (await refused(slack.chat_postMessage(channel="C0OPS", text="x")))[0] == "is_archived"


async def test_what_a_message_must_not_be(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """No text, too long an update, somebody else's message and bad blocks get Slack's own errors and change nothing."""
    ts = (await slack.chat_postMessage(channel="C0OPS", text="ours"))["ts"]
    theirs = await sandbox.say("U0BOB", "C0OPS", "theirs")
    bad_blocks = [{"type": "input", "label": {"type": "plain_text", "text": "x"}}]

    assert (await refused(slack.api_call("chat.postMessage", json={"channel": "C0OPS"})))[0] == "no_text"
    assert (await refused(slack.chat_update(channel="C0OPS", ts=ts, text="x" * 4001)))[0] == "msg_too_long"
    assert (await refused(slack.chat_update(channel="C0OPS", ts=theirs.ts, text="x")))[0] == "cant_update_message"
    assert (await refused(slack.chat_delete(channel="C0OPS", ts=theirs.ts)))[0] == "cant_delete_message"
    code, answer = await refused(slack.chat_postMessage(channel="C0OPS", text="x", blocks=bad_blocks))
    assert code == "invalid_blocks"
    assert "[json-pointer:/blocks/0/type]" in answer["response_metadata"]["messages"][0]
    assert [message.text for message in await sandbox.messages("U0BOB")] == ["ours", "theirs"]


async def test_an_ephemeral_message_is_for_one_person(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """Only its addressee sees an ephemeral message; history does not have it and nobody can update it."""
    ts = (await slack.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="psst"))["message_ts"]

    assert [(m.ts, m.ephemeral) for m in await sandbox.messages("U0ALICE")] == [(ts, True)]
    assert await sandbox.messages("U0BOB") == []
    assert (await slack.conversations_history(channel="C0OPS"))["messages"] == []
    assert (await refused(slack.chat_update(channel="C0OPS", ts=ts, text="x")))[0] == "message_not_found"
    outside = slack.chat_postEphemeral(channel="C0OPS", user="U0NOBODY", text="x")
    assert (await refused(outside))[0] == "user_not_in_channel"


async def test_posting_to_a_user_opens_a_conversation(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """A post to a user id lands in that user's conversation with the app, whose id the answer names."""
    posted = await slack.chat_postMessage(channel="U0ALICE", text="for you")

    opened = await slack.conversations_open(users="U0ALICE")
    assert posted["channel"] == opened["channel"]["id"] == "D0ALICE"
    assert [message.text for message in await sandbox.messages("U0ALICE", "@me")] == ["for you"]


async def test_scopes_are_needed(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """A call without its scope says which one is needed and which there are; without the e-mail scope there is none."""
    assert (await slack.users_info(user="U0ALICE"))["user"]["profile"]["email"] == "alice@dealership.example"
    assert (await refused(slack.conversations_info(channel="C0OPS")))[1]["needed"] == "channels:read"

    await sandbox.settings(scopes=["users:read", "channels:read"])

    assert "email" not in (await slack.users_info(user="U0ALICE"))["user"]["profile"]
    assert (await slack.conversations_info(channel="C0OPS"))["channel"]["name"] == "ops"
    code, answer = await refused(slack.chat_postMessage(channel="C0OPS", text="x"))
    assert (code, answer["needed"], answer["provided"]) == (
        "missing_scope",
        "chat:write",
        "users:read,channels:read",
    )
    assert (await refused(slack.users_info(user="U0NOBODY")))[0] == "user_not_found"
