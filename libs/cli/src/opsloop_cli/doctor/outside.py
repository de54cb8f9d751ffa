"""What else a deployment talks to, or is reached by: its public address, Clerk, Prometheus, Grafana."""

import hashlib
import hmac
import secrets
import time

import msgspec

from opsloop_cli.doctor.asking import Answer, Asker, NoAnswer
from opsloop_cli.doctor.deployment import Deployment
from opsloop_cli.doctor.finding import Finding, ok, wrong

PUBLIC, REQUESTS, CLERK, PROMETHEUS, GRAFANA = "public url", "slack requests", "clerk", "prometheus", "grafana"
NOBODY = "doctor@opsloop.invalid"


async def public(deployment: Deployment, asker: Asker) -> list[Finding]:
    """Whether ingress is behind the address that people and Slack use."""
    if not deployment.public_url:
        return []
    answer = await asker.get(f"{deployment.public_url}/healthz")
    if isinstance(answer, NoAnswer) or answer.status != 200 or answer.fields.get("status") != "ok":
        mend = "let PUBLIC_URL lead to ingress (INGRESS_PORT), and look whether ingress runs"
        return [wrong(PUBLIC, f"/healthz: {_short(answer)}", mend)]
    found = [ok(PUBLIC, "ingress is reached there")]
    return [*found, await _requests(deployment, asker)] if deployment.signing_secret else found


async def _requests(deployment: Deployment, asker: Asker) -> Finding:
    """A handshake signed as Slack signs: ingress repeats its word, and nothing is stored."""
    word = secrets.token_hex(8)
    body = msgspec.json.encode({"type": "url_verification", "challenge": word})
    answer = await asker.post(f"{deployment.public_url}/slack/events", body, _signed(deployment, body))
    if isinstance(answer, Answer) and answer.status == 200 and answer.fields.get("challenge") == word:
        return ok(REQUESTS, "a signed request arrives, and its signature is believed")
    if isinstance(answer, Answer) and answer.status == 401:
        mend = "give ingress the same SLACK_SIGNING_SECRET, that of the page Basic Information; compare its clock"
        return wrong(REQUESTS, "ingress does not believe a signature made with SLACK_SIGNING_SECRET", mend)
    mend = "let the proxy before ingress pass on /slack/, with headers and body as they are"
    return wrong(REQUESTS, f"/slack/events: {_short(answer)}", mend)


def _signed(deployment: Deployment, body: bytes) -> dict[str, str]:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    at = str(int(time.time()))
    digest = hmac.digest(deployment.signing_secret.encode(), b"v0:%b:%b" % (at.encode(), body), hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": f"v0={digest.hex()}",
    }


async def clerk(deployment: Deployment, asker: Asker) -> list[Finding]:
    if not deployment.clerk_key:
        return []
    query = {"email_address": NOBODY, "limit": "1"}
    answer = await asker.get(f"{deployment.clerk_api_url}/users", query, token=deployment.clerk_key, outside=True)
    if isinstance(answer, Answer) and answer.status == 200 and answer.body.strip() == b"[]":
        return [ok(CLERK, "the key is good")]
    if isinstance(answer, Answer) and answer.status in (401, 403):
        return [
            wrong(
                CLERK,
                f"the key is refused (HTTP {answer.status})",
                "put the secret key of the page API keys into CLERK_SECRET_KEY",
            )
        ]
    return [wrong(CLERK, f"/users: {_short(answer)}", "open the way to CLERK_API_URL (https://api.clerk.com/v1)")]


async def prometheus(deployment: Deployment, asker: Asker) -> list[Finding]:
    if not deployment.prometheus_url:
        return []
    url, query = f"{deployment.prometheus_url}/api/v1/query", {"query": "up"}
    answer = await asker.get(url, query, token=deployment.prometheus_token)
    if isinstance(answer, Answer) and answer.status == 200 and answer.fields.get("status") == "success":
        return [ok(PROMETHEUS, "it answers queries")]
    if isinstance(answer, Answer) and answer.status in (401, 403):
        return [
            wrong(
                PROMETHEUS,
                f"it wants somebody else (HTTP {answer.status})",
                "set PROMETHEUS_TOKEN to a token that may query",
            )
        ]
    return [
        wrong(
            PROMETHEUS,
            f"/api/v1/query: {_short(answer)}",
            "correct PROMETHEUS_URL; a path like /prometheus belongs to it",
        )
    ]


async def grafana(deployment: Deployment, asker: Asker) -> list[Finding]:
    """Reads annotations; whether they may be written as well shows with the first one."""
    if not deployment.grafana_url or not deployment.grafana_token:
        return []
    url, query = f"{deployment.grafana_url}/api/annotations", {"tags": "opsloop", "limit": "1"}
    answer = await asker.get(url, query, token=deployment.grafana_token)
    if isinstance(answer, Answer) and answer.status == 200 and answer.body.lstrip().startswith(b"["):
        return [ok(GRAFANA, "annotations can be read")]
    if isinstance(answer, Answer) and answer.status in (401, 403):
        mend = "put a service account's token with the role Editor into GRAFANA_TOKEN"
        return [wrong(GRAFANA, f"the token is refused (HTTP {answer.status})", mend)]
    return [
        wrong(GRAFANA, f"/api/annotations: {_short(answer)}", "correct GRAFANA_URL; a path like /grafana belongs to it")
    ]


def _short(answer: Answer | NoAnswer) -> str:
    return answer.why if isinstance(answer, NoAnswer) else f"HTTP {answer.status}, not what is answered there"
