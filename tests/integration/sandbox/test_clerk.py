"""The local Clerk, judged by Clerk's own SDK."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkErrors, SDKError, User

from integration.sandbox.running import CLERK_KEY, sandbox_at
from opsloop_sandbox.clerk_contract import ClerkEmail
from opsloop_sandbox.client import SandboxClient

# The SDK reads its own deprecated parameters.
pytestmark = pytest.mark.filterwarnings(r"ignore:warning. \*\* DEPRECATED:DeprecationWarning")

EMAIL = "alice@dealership.example"


def sdk(sandbox: SandboxClient, key: str = CLERK_KEY) -> Clerk:
    """Clerk's SDK as it comes, but for where it asks."""
    return Clerk(bearer_auth=key, server_url=sandbox.clerk_url)


@pytest.fixture
async def clerk(sandbox: SandboxClient) -> AsyncIterator[Clerk]:
    async with sdk(sandbox) as opened:
        yield opened


async def plainly(sandbox: SandboxClient, query: str) -> list[str]:
    """The ids that a call shows which the SDK would not make."""
    headers = {"Authorization": f"Bearer {CLERK_KEY}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{sandbox.clerk_url}/users{query}") as answer,
    ):
        return [user["id"] for user in await answer.json()]


async def found(clerk: Clerk, **request: object) -> list[User]:
    return await clerk.users.list_async(request=request)  # type: ignore[arg-type]  # a request may be a plain dict


async def ids(clerk: Clerk, **request: object) -> list[str]:
    return [user.id for user in await found(clerk, **request)]


async def test_a_user_is_one_to_the_sdk(clerk: Clerk) -> None:
    """Its models take every key, and read what we rely on."""
    (alice,) = await found(clerk, email_address=[EMAIL])
    assert (alice.id, alice.first_name, alice.banned, alice.locked) == ("user_alice", "Alice", False, False)
    (address,) = alice.email_addresses
    assert address.email_address == EMAIL
    assert address.id == alice.primary_email_address_id
    assert address.verification is not None
    assert address.verification.status == "verified"


async def test_an_address_that_nobody_has(clerk: Clerk) -> None:
    """An empty array, no error."""
    assert await ids(clerk, email_address=["bob@dealership.example"]) == []


async def test_several_addresses_at_once(clerk: Clerk) -> None:
    """Whoever has one of them, newest first; one that nobody has is passed over."""
    wanted = [EMAIL, "nobody@x.example", "carol@dealership.example"]
    assert await ids(clerk, email_address=wanted) == ["user_carol", "user_alice"]
    assert await ids(clerk, email_address=wanted, order_by="+created_at") == ["user_alice", "user_carol"]


async def test_more_addresses_than_clerk_takes(clerk: Clerk) -> None:
    """A hundred and one are refused, with the parameter's name."""
    with pytest.raises(ClerkErrors) as caught:
        await found(clerk, email_address=[f"a{number}@x.example" for number in range(101)])
    (error,) = caught.value.data.errors
    assert error.meta == {"param_name": "email_address"}


async def test_a_plus_is_kept(clerk: Clerk, sandbox: SandboxClient) -> None:
    """The address with it is another one than the address without."""
    await sandbox.change_clerk_user("user_plus", emails=(ClerkEmail("alice+ops@dealership.example"),))
    assert await ids(clerk, email_address=["alice+ops@dealership.example"]) == ["user_plus"]
    assert await ids(clerk, email_address=[EMAIL]) == ["user_alice"]


async def test_other_filters(clerk: Clerk, sandbox: SandboxClient) -> None:
    """By id, by a part of the address, by being banned; nobody has a phone."""
    await sandbox.change_clerk_user("user_carol", banned=True)
    assert await ids(clerk, user_id=["user_alice"]) == ["user_alice"]
    assert await ids(clerk, email_address_query="CAROL@") == ["user_carol"]
    assert await ids(clerk, banned=True) == ["user_carol"]
    assert await ids(clerk, phone_number=["+1555"]) == []


async def test_pages(clerk: Clerk) -> None:
    """Limit and offset."""
    assert await ids(clerk, limit=1) == ["user_carol"]
    assert await ids(clerk, limit=1, offset=1) == ["user_alice"]


@pytest.mark.parametrize("query", ["", "?email=alice@dealership.example", "?email_address[]=bob@dealership.example"])
async def test_a_filter_that_clerk_does_not_know_is_none(query: str, sandbox: SandboxClient) -> None:
    """Everybody is listed: what makes a careless lookup dangerous."""
    assert await plainly(sandbox, query) == ["user_carol", "user_alice"]


async def test_changes_show(clerk: Clerk, sandbox: SandboxClient) -> None:
    """Banned, locked, deprovisioned, unverified, never verified, and two with one address."""
    await sandbox.change_clerk_user("user_alice", banned=True, locked=True, deprovisioned=True)
    (alice,) = await found(clerk, email_address=[EMAIL])
    assert (alice.banned, alice.locked, alice.deprovisioned) == (True, True, True)
    emails = (ClerkEmail("x@x.example", "unverified"), ClerkEmail("y@x.example", None))
    await sandbox.change_clerk_user("user_x", emails=emails)
    (user,) = await found(clerk, email_address=["x@x.example"])
    first, second = user.email_addresses
    assert first.verification is not None
    assert (first.verification.status, second.verification) == ("unverified", None)
    await sandbox.change_clerk_user("user_twin", emails=(ClerkEmail(EMAIL),))
    assert await ids(clerk, email_address=[EMAIL]) == ["user_twin", "user_alice"]


async def test_whoever_is_removed_is_gone(clerk: Clerk, sandbox: SandboxClient) -> None:
    """And can come back."""
    await sandbox.change_clerk_user("user_alice", removed=True)
    assert await ids(clerk, email_address=[EMAIL]) == []
    users = await sandbox.change_clerk_user("user_alice", emails=(ClerkEmail(EMAIL),))
    assert [user.id for user in users] == ["user_carol", "user_alice"]


async def test_a_wrong_key(sandbox: SandboxClient) -> None:
    """Is told with Clerk's own error, which the SDK reads."""
    async with sdk(sandbox, "sk_test_wrong") as clerk:
        with pytest.raises(ClerkErrors) as caught:
            await found(clerk)
    assert caught.value.raw_response.status_code == 401
    assert caught.value.data.errors[0].code == "clerk_key_invalid"


async def test_a_bad_parameter(clerk: Clerk) -> None:
    """Named, with 422."""
    with pytest.raises(ClerkErrors) as caught:
        await found(clerk, order_by="shoe_size")
    assert caught.value.raw_response.status_code == 422
    assert caught.value.data.errors[0].meta == {"param_name": "order_by"}


async def test_too_many_requests(clerk: Clerk, sandbox: SandboxClient) -> None:
    """429 with Retry-After, and an error of Clerk's shape."""
    await sandbox.fault("clerk.users", "ratelimited", retry_after=7)
    with pytest.raises((ClerkErrors, SDKError)) as caught:
        await found(clerk)
    answer = caught.value.raw_response
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    body = answer.json()
    assert set(body) == {"errors", "clerk_trace_id"}
    assert set(body["errors"][0]) == {"code", "message", "long_message", "meta"}


async def test_clerk_is_away(sandbox: SandboxClient) -> None:
    """The connection is closed without an answer; the SDK would go on asking."""
    await sandbox.fault("clerk.users", "stored_then_reset", times=10)
    with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
        await plainly(sandbox, "")


async def test_faults_of_slack_spare_clerk(clerk: Clerk, sandbox: SandboxClient) -> None:
    """Every Web API method means Slack's."""
    await sandbox.fault("*", "lost_500", times=10)
    assert await ids(clerk, email_address=[EMAIL]) == ["user_alice"]


async def test_changes_outlive_a_restart(tmp_path: Path) -> None:
    """Of users at Clerk and of people in Slack."""
    async with sandbox_at(tmp_path / "again") as sandbox:
        await sandbox.change_clerk_user("user_alice", banned=True)
        await sandbox.change_clerk_user("user_carol", removed=True)
        await sandbox.change_user("U0ALICE", email="new@x.example", is_restricted=True)
    async with sandbox_at(tmp_path / "again") as sandbox:
        (alice,) = await sandbox.clerk_users()
        assert alice.banned
        people = {user.id: user for user in (await sandbox.workspace()).users}
        assert (people["U0ALICE"].email, people["U0ALICE"].is_restricted) == ("new@x.example", True)
