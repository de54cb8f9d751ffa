"""What an operator scrapes."""

import aiohttp

from installation import ALICE, OPS, SERVICES, Installation

EXPECTED = {
    "ingress": ("ingress_requests_total", "ingress_request_seconds_bucket"),
    "orchestrator": ("opsloop_consumer_lag_messages", "opsloop_message_handling_seconds_bucket"),
    "notifier": (
        "notifier_slack_calls_total",
        'notifier_slack_call_seconds_count{method="chat.postMessage"}',
        "notifier_visible_delay_seconds_bucket",
        "opsloop_consumer_lag_messages",
    ),
    "metrics": (
        'task_runs_total{outcome="succeeded",task="schema_fix"} 1.0',
        "task_duration_seconds_bucket",
        'opsloop_questions_total{outcome="answered",subject="ops.q.metrics.value"}',
        'opsloop_question_seconds_bucket{le="1.0",subject="ops.q.metrics.value"}',
    ),
}


async def test_every_service_tells_its_numbers_and_its_health(loop: Installation) -> None:
    """After one task each service has its series, says that it lives, and that it is ready."""
    await loop.sandbox.command(ALICE, OPS, "run schema_fix naples-honda")
    await loop.see("naples-honda", "✅")
    async with aiohttp.ClientSession() as session:
        for name in SERVICES:
            base = f"http://127.0.0.1:{loop.ports[name]}"

            async def told(name: str = name, base: str = base) -> bool:
                async with session.get(f"{base}/metrics") as response:
                    text = await response.text()
                return all(series in text for series in EXPECTED[name])

            await loop.until(told, f"the series of {name}")
            for path in ("healthz", "readyz"):
                async with session.get(f"{base}/{path}") as response:
                    assert response.status == 200, (name, path)
