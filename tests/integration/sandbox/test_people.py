"""Who people are in the local Slack."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from opsloop_sandbox.client import SandboxClient

FLAGS = ("is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_email_confirmed")


async def user(slack: AsyncWebClient, id: str = "U0ALICE") -> dict[str, object]:
    found: dict[str, object] = (await slack.users_info(user=id))["user"]
    return found


async def test_an_ordinary_member(slack: AsyncWebClient) -> None:
    """Of the workspace, with a confirmed address; that somebody is no stranger is not said."""
    found = await user(slack)
    assert found["team_id"] == "T0OPSLOOP"
    assert found["profile"] == {
        "real_name": "Alice Rivera",
        "display_name": "alice",
        "email": "alice@dealership.example",
    }
    assert [found.get(flag) for flag in FLAGS] == [False, False, False, None, True]


@pytest.mark.parametrize("flag", ["is_bot", "is_restricted", "is_ultra_restricted", "is_stranger"])
async def test_a_flag_shows(flag: str, slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """Each alone."""
    await sandbox.change_user("U0ALICE", **{flag: True})  # type: ignore[arg-type]  # one of the flags
    found = await user(slack)
    assert [name for name in FLAGS if found.get(name)] == sorted([flag, "is_email_confirmed"], key=FLAGS.index)


async def test_a_deleted_account_has_no_standing(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """Whether it was a guest is not said any more."""
    await sandbox.change_user("U0ALICE", deleted=True)
    found = await user(slack)
    assert found["deleted"] is True
    assert "is_restricted" not in found


async def test_somebody_new(slack: AsyncWebClient, sandbox: SandboxClient) -> None:
    """Of another workspace, whose address is not confirmed."""
    await sandbox.change_user("U0DAVE", email="dave@x.example", team_id="T0OTHER", is_email_confirmed=False)
    found = await user(slack, "U0DAVE")
    assert (found["team_id"], found["is_email_confirmed"]) == ("T0OTHER", False)
