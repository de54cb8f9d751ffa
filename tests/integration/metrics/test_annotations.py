"""Annotations in Grafana: each attempt once, with its end, whatever fails on the way."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
import pytest
from grafana_client.api import GrafanaApi

from broker import NatsServer
from integration.metrics.fake_grafana import TOKEN, FakeGrafana, fake_grafana
from integration.metrics.running import ID, metrics_process, series, task
from opsloop_common import codec
from opsloop_common.bus import Bus
from opsloop_common.events import Failure, TaskState
from opsloop_common.people import ThreadLink, ThreadQuery
from opsloop_common.service import endpoint, serve
from opsloop_common.subjects import Subjects
from opsloop_metrics import annotation
from opsloop_metrics.annotating import Annotating, Shown
from opsloop_metrics.grafana import Grafana, Unreachable
from waiting import until

THREAD = "https://slack.example/archives/C0/p1"
NOW = datetime.now(UTC)
STARTED = msgspec.structs.replace(task("running"), started_at=NOW - timedelta(seconds=9), target="<b>naples</b>")
FAILED = msgspec.structs.replace(
    STARTED, status="failed", ended_at=NOW, failure=Failure(code="x", sentence="It <i>failed</i>.")
)


@pytest.fixture
async def grafana() -> AsyncIterator[FakeGrafana]:
    async with fake_grafana() as found:
        yield found


async def happen(bus: Bus, subjects: Subjects, event: str, state: TaskState) -> None:
    message = codec.envelope(
        id="e", source="test", type=f"ops.task.{event}.v1", time=datetime.now(UTC), subject=state.id, data=state
    )
    await bus.publish(subjects.event(state.id, event), codec.encode(message))


async def answer_links(bus: Bus, subjects: Subjects) -> None:
    async def answer(asked: ThreadQuery) -> ThreadLink:
        return ThreadLink(url=THREAD)

    at = endpoint("thread", subjects.thread_link, ThreadQuery, answer)
    await serve(bus, name="thread", version="1.0.0", description="links", endpoints=(at,))


async def test_a_run_is_one_annotation_from_its_start_to_its_end(
    nats_server: NatsServer, bus: Bus, subjects: Subjects, grafana: FakeGrafana
) -> None:
    """Posted at the start, patched at the end; its text leads to the thread and holds no markup of others."""
    linking = asyncio.create_task(answer_links(bus, subjects))
    async with metrics_process(nats_server.url, subjects, bus, GRAFANA_URL=grafana.url, GRAFANA_TOKEN=TOKEN) as url:
        await happen(bus, subjects, "started", STARTED)
        await until(lambda: len(grafana.stored) == 1)
        assert "task_start" in grafana.stored[1].tags
        await happen(bus, subjects, "failed", FAILED)
        await until(lambda: "task_end" in grafana.stored[1].tags)
        one = grafana.stored[1]
        assert (one.timeEnd - one.time) == 9000
        assert {"opsloop", f"task_id:{ID}", "attempt:1", "task:schema_fix", "failed"} <= set(one.tags)
        assert "&lt;b&gt;naples&lt;/b&gt;: failed. It &lt;i&gt;failed&lt;/i&gt;." in one.text
        assert f'<a href="{THREAD}">' in one.text
        await until(lambda: series(url).get('opsloop_annotations_total{result="patched"}') == 1)
    linking.cancel()
    await asyncio.gather(linking, return_exceptions=True)
    assert grafana.posts == 1


@pytest.mark.parametrize("mood", ["down", "slow", "html"])
async def test_a_grafana_that_does_not_answer_is_told_later(
    bus: Bus, subjects: Subjects, grafana: FakeGrafana, mood: str
) -> None:
    """Nothing is lost and nothing is told twice; the series go on."""
    grafana.mood = mood
    async with aiohttp.ClientSession() as session:
        client = Grafana(session, grafana.url, TOKEN, deadline_seconds=0.3)
        wanted = annotation.of(STARTED, "")
        assert wanted is not None
        with pytest.raises(Unreachable):
            await client.post(wanted)
        grafana.mood = "well"
        id = await client.post(wanted)
        assert await client.find(wanted) == id


async def test_a_post_whose_answer_was_lost_is_found_by_its_tags(
    bus: Bus, subjects: Subjects, grafana: FakeGrafana
) -> None:
    """The record says that it was being posted; when that is old, the annotation is adopted, never posted again."""
    results: list[str] = []
    await happen(bus, subjects, "started", STARTED)
    async with aiohttp.ClientSession() as session:
        client = Grafana(session, grafana.url, TOKEN, deadline_seconds=1)
        annotating = Annotating(bus=bus, subjects=subjects, grafana=client, thread=_no_thread, count=results.append)
        grafana.mood = "lost"
        with pytest.raises(Unreachable):
            await annotating._show(client, STARTED)
        grafana.mood = "well"
        key = f"{ID}.1"
        entry = await annotating._records.get(key)
        assert entry.value is not None
        old = Shown(at=NOW - timedelta(minutes=1))
        await annotating._records.put(key, old, revision=entry.revision)
        await annotating._show(client, STARTED)
    assert results == ["adopted"]
    assert (grafana.posts, len(grafana.stored)) == (1, 1)


async def test_without_grafana_nothing_is_kept(nats_server: NatsServer, bus: Bus, subjects: Subjects) -> None:
    """The events are acknowledged, and the series are there all the same."""
    async with metrics_process(nats_server.url, subjects, bus) as url:
        await happen(bus, subjects, "started", STARTED)
        await happen(bus, subjects, "failed", FAILED)
        await until(lambda: series(url).get('task_runs_total{outcome="failed",task="schema_fix"}') == 1)
        lag = 'opsloop_consumer_lag_messages{consumer="metrics-annotations",stream="EVT"}'
        await until(lambda: series(url).get(lag) == 0)
    assert await bus.newest_of_each("KV_ANNOTATIONS", "$KV.ANNOTATIONS.>") == []


async def test_the_fake_is_grafana_to_its_own_client(grafana: FakeGrafana) -> None:
    """The published client adds, finds and changes annotations there."""

    def use() -> None:
        api = GrafanaApi.from_url(grafana.url, credential=TOKEN)
        added = api.annotations.add_annotation(time_from=1_000, time_to=2_000, tags=["a", "b"], text="from the client")
        found = api.annotations.find_annotations(tags=["a", "b"], time_from=0, time_to=5_000)
        assert [one["id"] for one in found] == [added["id"]]
        api.annotations.partial_update_annotation(annotations_id=added["id"], time_to=3_000, tags=["a"], text="changed")
        assert api.annotations.find_annotations(tags=["a"], time_from=0, time_to=5_000)[0]["text"] == "changed"
        assert api.annotations.find_annotations(tags=["c"], time_from=0, time_to=5_000) == []
        api.client.s.close()

    with warnings.catch_warnings():
        # The client leaves its connection to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        await asyncio.to_thread(use)
        gc.collect()


async def _no_thread(id: str) -> str:
    return ""
