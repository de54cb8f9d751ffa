"""The dealers' sites over HTTP."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from integration.sandbox.running import CONTENT_TOKEN
from opsloop_sandbox.client import SandboxClient

DEALER = "naples-honda"
DOCUMENT = {"@context": "https://schema.org", "@type": "AutoDealer", "name": "</script><b>Naples"}


@pytest.fixture
async def web(sandbox: SandboxClient) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(sandbox.base_url, timeout=timeout) as session:
        yield session


async def page(web: aiohttp.ClientSession, dealer: str = DEALER) -> tuple[str, str]:
    async with web.get(f"/sites/{dealer}/") as response:
        assert response.status == 200
        return await response.text(), response.headers["ETag"]


async def put(web: aiohttp.ClientSession, body: object, **headers: str) -> tuple[int, str | None]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with web.put(f"/sites/{DEALER}/content/jsonld", data=json.dumps(body), headers=named) as response:
        return response.status, response.headers.get("ETag")


def script_of(text: str) -> str:
    return text.split('<script type="application/ld+json">')[1].split("</script>")[0]


async def test_a_put_replaces_the_structured_data(web: aiohttp.ClientSession, sandbox: SandboxClient) -> None:
    """With token and ETag the document becomes the page's script, unable to end it, under the ETag of the answer."""
    _, etag = await page(web)

    status, new_etag = await put(
        web, DOCUMENT, Authorization=f"Bearer {CONTENT_TOKEN}", If_Match=etag, Idempotency_Key="k", X_Fence="7"
    )

    text, etag_after = await page(web)
    site = await sandbox.site(DEALER)
    assert (status, new_etag) == (204, etag_after)
    assert json.loads(script_of(text)) == DOCUMENT
    assert [(p.idempotency_key, p.fence, p.status, p.effect) for p in site.puts] == [("k", "7", 204, True)]


async def test_the_same_key_has_one_effect(web: aiohttp.ClientSession, sandbox: SandboxClient) -> None:
    """A repeated Idempotency-Key gets the first answer and changes nothing; with another document it is refused."""
    _, etag = await page(web)
    headers = {"Authorization": f"Bearer {CONTENT_TOKEN}", "If_Match": etag, "Idempotency_Key": "k"}

    answers = [await put(web, DOCUMENT, **headers) for _ in range(2)]
    other = await put(web, {"name": "other"}, **headers)

    assert answers[0] == answers[1]
    assert other[0] == 422
    assert [p.effect for p in (await sandbox.site(DEALER)).puts] == [True, False, False]


async def test_a_put_without_proof_is_refused(web: aiohttp.ClientSession, sandbox: SandboxClient) -> None:
    """No token 401, a wrong one 403, no If-Match 428, an old one 412, no object 400; the page stays as it was."""
    before = await page(web)
    token = {"Authorization": f"Bearer {CONTENT_TOKEN}"}

    assert (await put(web, DOCUMENT))[0] == 401
    assert (await put(web, DOCUMENT, Authorization="Bearer other"))[0] == 403
    assert (await put(web, DOCUMENT, **token))[0] == 428
    assert (await put(web, DOCUMENT, If_Match='"old"', **token))[0] == 412
    assert (await put(web, [1], If_Match=before[1], **token))[0] == 400

    assert await page(web) == before
    assert [p.effect for p in (await sandbox.site(DEALER)).puts] == [False] * 5


async def test_each_dealer_is_broken_in_its_own_way(web: aiohttp.ClientSession) -> None:
    """Wrong type, unreadable JSON, nothing at all, and one that is right."""
    naples = json.loads(script_of((await page(web, "naples-honda"))[0]))
    gables = script_of((await page(web, "coral-gables-toyota"))[0])
    tampa, _ = await page(web, "tampa-chevrolet")
    miami = json.loads(script_of((await page(web, "miami-kia"))[0]))

    assert naples["@type"] == "AutoDealers"
    assert "address" not in naples
    with pytest.raises(json.JSONDecodeError):
        json.loads(gables)
    assert "ld+json" not in tampa
    assert (miami["@type"], miami["address"]["addressLocality"]) == ("AutoDealer", "Miami")


async def test_sites_have_moods(web: aiohttp.ClientSession, sandbox: SandboxClient) -> None:
    """One never answers, one is down, and the others take the mode they are given until they are reset."""
    with pytest.raises(TimeoutError):
        await web.get("/sites/orlando-ford/", timeout=aiohttp.ClientTimeout(total=0.2))
    async with web.get("/sites/jacksonville-nissan/") as response:
        assert response.status == 503
    await sandbox.change_site(DEALER, mode="login")
    async with web.get(f"/sites/{DEALER}/") as response:
        assert response.url.path == f"/sites/{DEALER}/login"
    await sandbox.change_site(DEALER, reset=True)
    assert "Naples Honda" in (await page(web))[0]


async def test_a_lost_answer_to_a_put_leaves_its_effect(web: aiohttp.ClientSession, sandbox: SandboxClient) -> None:
    """The fault site.put loses the answer of a PUT that took effect; repeating it has no second effect."""
    _, etag = await page(web)
    headers = {"Authorization": f"Bearer {CONTENT_TOKEN}", "If_Match": etag, "Idempotency_Key": "k"}
    await sandbox.fault("site.put", "stored_then_500")

    first, second = await put(web, DOCUMENT, **headers), await put(web, DOCUMENT, **headers)

    assert (first[0], second[0]) == (500, 204)
    assert [p.effect for p in (await sandbox.site(DEALER)).puts] == [True, False]


async def test_a_put_of_the_past_is_refused(web: aiohttp.ClientSession, sandbox: SandboxClient) -> None:
    """A lower fence than was seen for the same task changes nothing; another task's fences are its own."""
    answers = []
    for key, fence in (("t:1:a", "2"), ("t:1:b", "1"), ("u:1:a", "1"), ("t:1:c", "x")):
        _, etag = await page(web)
        headers = {"Authorization": f"Bearer {CONTENT_TOKEN}", "If_Match": etag, "Idempotency_Key": key}
        answers.append((await put(web, DOCUMENT, X_Fence=fence, **headers))[0])
    assert answers == [204, 409, 204, 400]
    assert [one.effect for one in (await sandbox.site(DEALER)).puts] == [True, False, True, False]
