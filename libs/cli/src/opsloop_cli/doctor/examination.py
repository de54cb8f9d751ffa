"""Everything looked at side by side, told line by line."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import aiohttp
import msgspec

from opsloop_cli.doctor import broker, deployment, outside, slack
from opsloop_cli.doctor.asking import Asker
from opsloop_cli.doctor.deployment import Deployment
from opsloop_cli.doctor.finding import Finding
from opsloop_common.redact import Redactor

SOMETHING_WRONG = 1


async def run(environment: Mapping[str, str], *, as_json: bool, channel: str) -> int:
    """Prints every finding; 1 if something is wrong, 0 with warnings alone."""
    found, findings = deployment.read(environment)
    findings += await examine(found, channel)
    redact = Redactor((found.bot_token, found.app_token, found.signing_secret, found.clerk_key, found.grafana_token))
    print(redact(document(findings) if as_json else lines(findings)))
    return SOMETHING_WRONG if any(finding.state == "wrong" for finding in findings) else 0


async def examine(found: Deployment, channel: str) -> list[Finding]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        asker = Asker(session, found.proxy)
        parts = await asyncio.gather(
            slack.examine(found, asker, channel),
            outside.public(found, asker),
            broker.examine(found),
            outside.clerk(found, asker),
            outside.prometheus(found, asker),
            outside.grafana(found, asker),
        )
    return [finding for part in parts for finding in part]


def lines(findings: list[Finding]) -> str:
    width = max(len(finding.name) for finding in findings)
    told: list[str] = []
    for finding in findings:
        told.append(f"{finding.state:<7}  {finding.name:<{width}}  {finding.text}")
        if finding.mend:
            told.append(f"{'':<7}  {'':<{width}}  → {finding.mend}")
    count = Counter(finding.state for finding in findings)
    return "\n".join([*told, f"{count['wrong']} wrong, {count['warning']} to know, {count['ok']} fine"])


def document(findings: list[Finding]) -> str:
    is_ok = all(finding.state != "wrong" for finding in findings)
    return msgspec.json.format(msgspec.json.encode({"ok": is_ok, "findings": findings}), indent=2).decode()
