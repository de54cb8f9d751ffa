"""The table of streams, consumers and buckets, and `provision`, which creates or verifies them.

Services only bind; `differences` tells what they find that is not as it should be.
"""

from collections.abc import Collection
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import nats.errors
import nats.js.errors
from nats.js import JetStreamContext, api

from opsloop_common.bus.connection import Bus
from opsloop_common.subjects import PARTITIONS, Subjects, notifier_of

MIB = 1024 * 1024
STREAM_KEYS = (
    "subjects", "retention", "max_age", "max_msgs", "max_msg_size", "max_bytes", "max_msgs_per_subject", "discard",
    "storage", "duplicate_window", "no_ack", "allow_direct", "allow_rollup_hdrs", "deny_delete", "allow_msg_ttl",
)  # fmt: skip
CONSUMER_KEYS = (
    "filter_subject", "filter_subjects", "deliver_policy", "ack_policy", "ack_wait", "max_deliver", "max_ack_pending",
    "headers_only",
)  # fmt: skip
"""What makes a difference to us: everything else may be as the operator likes it."""
HELD_AT_MOST = 100_000
"""Unacknowledged messages a consumer may hold: a notifier holds the newest of every task it still owes."""
REPORTS_HELD = 2_000


class StreamPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as it should be. Ages in seconds, 0 = no limit; `full` is what happens at the limits."""

    name: str
    subjects: tuple[str, ...]
    age_seconds: float
    max_bytes: int = -1
    per_subject: int = -1
    full: api.DiscardPolicy = api.DiscardPolicy.NEW
    bucket: bool = False
    deletable: bool = True
    ttl_per_message: bool = False
    deduplicate_seconds: float = 120
    largest_message: int = -1
    answers: bool = True
    """Whether it acknowledges a message to the subject that the sender chose."""


class ConsumerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A durable pull consumer as it should be."""

    stream: str
    name: str
    filters: tuple[str, ...]
    ack_wait_seconds: float
    held_at_most: int


class Topology(msgspec.Struct, frozen=True):
    """`retired` are durables (stream, name) of earlier versions: whoever still reads them must not go on."""

    streams: tuple[StreamPlan, ...]
    consumers: tuple[ConsumerPlan, ...]
    retired: tuple[tuple[str, str], ...] = ()


class UnsafeTopology(ValueError):
    """The ages contradict each other: old messages would run or be posted again."""


def _days(days: float) -> float:
    return timedelta(days=days).total_seconds()


def topology(subjects: Subjects, publishers: Collection[str] = ()) -> Topology:
    """What OpsLoop needs under one root, with a stream for each of the catalogue's publishers."""
    s = subjects
    streams = (
        StreamPlan(
            name=s.stream("CMD"), subjects=(s.all_commands,), age_seconds=3600, max_bytes=256 * MIB,
            deduplicate_seconds=600,
        ),
        StreamPlan(
            name=s.stream("EVT"), subjects=(s.all_events,), age_seconds=_days(30), max_bytes=4096 * MIB, per_subject=16
        ),
        StreamPlan(
            name=s.stream("LOG"), subjects=(f"{s.root}.log.*",), age_seconds=_days(14), max_bytes=2048 * MIB,
            per_subject=5_000, full=api.DiscardPolicy.OLD,
        ),
        StreamPlan(
            # Ids are remembered for longer than a request may be delivered again.
            name=s.stream("OUT"), subjects=(s.all_notices,), age_seconds=_days(1), max_bytes=256 * MIB, per_subject=100,
            full=api.DiscardPolicy.OLD, deduplicate_seconds=2 * 3600,
        ),
        *(_reports(s, publisher) for publisher in publishers),
        StreamPlan(
            name=s.stream("AUDIT"), subjects=(s.all_audits,), age_seconds=0, max_bytes=1024 * MIB, deletable=False
        ),
        StreamPlan(name=s.stream("DLQ"), subjects=(f"{s.root}.dlq.>",), age_seconds=_days(30), max_bytes=256 * MIB),
        _bucket(s.bucket("TASKS"), ttl_per_message=True),
        _bucket(s.bucket("TARGETS")),
        _bucket(s.bucket("STEPS"), age_seconds=_days(31)),
        _bucket(s.bucket("TALLY")),
        _bucket(s.bucket("ANNOTATIONS"), age_seconds=_days(31)),
        _bucket(s.bucket("LEDGER"), age_seconds=_days(45)),
        _bucket(s.bucket("CHECKS"), age_seconds=_days(2), ttl_per_message=True),
        # On file like all the others: a stream in memory is gone, itself, when its broker restarts.
        # Each record brings its own time to live: how long a lease lasts is a setting of those who hold one.
        _bucket(s.bucket("LEASES"), ttl_per_message=True),
        _bucket(s.bucket("NOTIFIERS"), ttl_per_message=True),
    )  # fmt: skip
    consumers = (
        _consumer(s.stream("CMD"), "orchestrator", s.all_commands, ack_wait_seconds=5, held_at_most=1000),
        _consumer(s.stream("EVT"), "orchestrator-queued", s.events_named("queued"), ack_wait_seconds=5),
        _consumer(s.stream("EVT"), "orchestrator-follow-ups", s.events_named("succeeded"), ack_wait_seconds=5),
        _consumer(s.stream("EVT"), "orchestrator-projection", s.all_events, ack_wait_seconds=3),
        *(
            _consumer(s.stream("EVT"), notifier_of(partition), *s.events_in(partition), ack_wait_seconds=5)
            for partition in range(PARTITIONS)
        ),
        _consumer(s.stream("EVT"), "metrics", s.all_events, ack_wait_seconds=10),
        # Longer than the calls to Grafana that one event may need.
        _consumer(s.stream("EVT"), "metrics-annotations", s.all_events, ack_wait_seconds=30, held_at_most=1000),
        *(
            _consumer(
                _reported(s, publisher),
                "orchestrator",
                s.reports_of(publisher),
                ack_wait_seconds=10,
                held_at_most=REPORTS_HELD,
            )
            for publisher in publishers
        ),
    )
    # A notifier from before partitions had owners would post beside those that own them.
    return Topology(streams, consumers, retired=((s.stream("EVT"), "notifier"),))


def _reported(subjects: Subjects, publisher: str) -> str:
    return subjects.stream(f"EXT_{publisher}")


def _reports(subjects: Subjects, publisher: str) -> StreamPlan:
    """What one publisher reports, apart from all others: full, or with ids used up, it harms itself alone.

    It acknowledges nothing: whoever may only publish there could have the acknowledgement sent to a subject of ours.
    """
    return StreamPlan(
        name=_reported(subjects, publisher), subjects=(subjects.reports_of(publisher),), age_seconds=3600,
        max_bytes=64 * MIB, largest_message=64 * 1024, answers=False,
    )  # fmt: skip


def _bucket(name: str, **changes: Any) -> StreamPlan:
    plan = StreamPlan(
        name=f"KV_{name}", subjects=(f"$KV.{name}.>",), age_seconds=0, max_bytes=1024 * MIB, per_subject=1, bucket=True
    )
    return msgspec.structs.replace(plan, **changes)


def _consumer(
    stream: str, name: str, *filters: str, ack_wait_seconds: float, held_at_most: int = HELD_AT_MOST
) -> ConsumerPlan:
    return ConsumerPlan(
        stream=stream, name=name, filters=filters, ack_wait_seconds=ack_wait_seconds, held_at_most=held_at_most
    )


def check_ages(plan: Topology, subjects: Subjects) -> None:
    """Commands must die before events, and events before the records that make their replay harmless."""
    ages = {stream.name: stream.age_seconds or float("inf") for stream in plan.streams}
    order = [subjects.stream("CMD"), subjects.stream("EVT"), f"KV_{subjects.bucket('LEDGER')}"]
    reports = [name for name in ages if name.startswith(subjects.stream("EXT_"))]
    for younger, older in (*pairwise(order), *((name, subjects.stream("EVT")) for name in reports)):
        if not ages[younger] < ages[older]:
            raise UnsafeTopology(
                f"{younger} keeps messages for {ages[younger]:.0f} s, which must be less than {older} with "
                f"{ages[older]:.0f} s: a consumer that starts over would repeat old work"
            )


async def provision(bus: Bus, subjects: Subjects, publishers: Collection[str] | None = None) -> list[str]:
    """Creates what is missing, changes what may be changed, and returns one line for each thing it did.

    Streams of publishers that are no longer in the catalogue are removed; None: which there are is not known.
    Running it again returns an empty list. Raises UnsafeTopology, OSError when the broker refuses.
    """
    plan = topology(subjects, publishers or ())
    check_ages(plan, subjects)
    js = bus.client.jetstream(timeout=10)
    done: list[str] = []
    try:
        if publishers is not None:
            done += await _remove_former(js, subjects, publishers)
        for stream in plan.streams:
            done += await _provision_stream(js, stream)
        for consumer in plan.consumers:
            done += await _provision_consumer(js, consumer)
        for name_of_stream, name in plan.retired:
            done += await _retire(js, name_of_stream, name)
    except (nats.js.errors.Error, nats.errors.Error, TimeoutError) as error:
        raise OSError(f"the broker refused to set up streams: {error}") from error
    return done


async def _retire(js: JetStreamContext, stream: str, name: str) -> list[str]:
    try:
        await js.delete_consumer(stream, name)
    except nats.js.errors.NotFoundError:
        return []
    return [f"removed consumer {stream}/{name}: nothing of this version reads it"]


async def differences(bus: Bus, subjects: Subjects, publishers: Collection[str] = ()) -> list[str]:
    """One line for each stream or consumer that is missing or not as it should be. Empty: ready to serve.

    Raises OSError when the broker does not answer.
    """
    plan = topology(subjects, publishers)
    js = bus.client.jetstream(timeout=5)
    found: list[str] = []
    try:
        for stream in plan.streams:
            found += await _look_at_stream(js, stream)
        for consumer in plan.consumers:
            found += await _look_at_consumer(js, consumer)
    except (nats.js.errors.Error, nats.errors.Error, TimeoutError) as error:
        raise OSError(f"cannot look at the streams: {type(error).__name__}") from error
    return found


async def _remove_former(js: JetStreamContext, subjects: Subjects, publishers: Collection[str]) -> list[str]:
    """A publisher without a catalogue entry reaches no stream."""
    former = []
    offset = 0
    while page := await js.streams_info(offset):
        offset += len(page)
        former += [stream.config.name or "" for stream in page if _is_former(stream.config, subjects, publishers)]
    for name in former:
        await js.delete_stream(name)
    return [f"removed stream {name}: its publisher is no longer in the catalogue" for name in former]


def _is_former(actual: api.StreamConfig, subjects: Subjects, publishers: Collection[str]) -> bool:
    name = actual.name or ""
    publisher = name.removeprefix(subjects.stream("EXT_"))
    # Another installation's stream may begin like one of ours: its subjects tell them apart.
    return name != publisher and actual.subjects == [subjects.reports_of(publisher)] and publisher not in publishers


async def _look_at_stream(js: JetStreamContext, plan: StreamPlan) -> list[str]:
    actual = await _stream_config(js, plan.name)
    return [f"stream {plan.name} is missing"] if actual is None else _stream_differences(plan, actual)


async def _look_at_consumer(js: JetStreamContext, plan: ConsumerPlan) -> list[str]:
    actual = await _consumer_config(js, plan)
    if actual is None:
        return [f"consumer {plan.stream}/{plan.name} is missing"]
    return _consumer_differences(plan, actual)


async def _provision_stream(js: JetStreamContext, plan: StreamPlan) -> list[str]:
    actual = await _stream_config(js, plan.name)
    if actual is None:
        await js.add_stream(_stream(plan))
        return [f"created stream {plan.name}"]
    changes = _stream_differences(plan, actual)
    if changes:
        await js.update_stream(_stream(plan))
    return [f"changed {change}" for change in changes]


async def _provision_consumer(js: JetStreamContext, plan: ConsumerPlan) -> list[str]:
    actual = await _consumer_config(js, plan)
    changes = [] if actual is None else _consumer_differences(plan, actual)
    if actual is not None and not changes:
        return []
    await js.add_consumer(plan.stream, _durable(plan))
    label = f"consumer {plan.stream}/{plan.name}"
    return [f"changed {change}" for change in changes] if changes else [f"created {label}"]


async def _stream_config(js: JetStreamContext, name: str) -> api.StreamConfig | None:
    try:
        return (await js.stream_info(name)).config
    except nats.js.errors.NotFoundError:
        return None


async def _consumer_config(js: JetStreamContext, plan: ConsumerPlan) -> api.ConsumerConfig | None:
    try:
        config: api.ConsumerConfig | None = (await js.consumer_info(plan.stream, plan.name)).config
        return config
    except nats.js.errors.NotFoundError:
        return None


def _stream(plan: StreamPlan) -> api.StreamConfig:
    return api.StreamConfig(
        name=plan.name,
        subjects=list(plan.subjects),
        retention=api.RetentionPolicy.LIMITS,
        max_age=plan.age_seconds,
        max_msgs=-1,
        max_bytes=plan.max_bytes,
        max_msgs_per_subject=plan.per_subject,
        discard=plan.full,
        storage=api.StorageType.FILE,
        duplicate_window=min(plan.deduplicate_seconds, plan.age_seconds or plan.deduplicate_seconds),
        allow_direct=True,
        allow_rollup_hdrs=plan.bucket,
        deny_delete=plan.bucket or not plan.deletable,
        deny_purge=not plan.deletable,
        allow_msg_ttl=plan.ttl_per_message or None,
        max_msg_size=plan.largest_message,
        no_ack=not plan.answers,
    )


def _durable(plan: ConsumerPlan) -> api.ConsumerConfig:
    return api.ConsumerConfig(
        name=plan.name,
        durable_name=plan.name,
        filter_subject=plan.filters[0] if len(plan.filters) == 1 else None,
        filter_subjects=list(plan.filters) if len(plan.filters) > 1 else None,
        deliver_policy=api.DeliverPolicy.ALL,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=plan.ack_wait_seconds,
        max_deliver=-1,
        max_ack_pending=plan.held_at_most,
    )


def _stream_differences(plan: StreamPlan, actual: api.StreamConfig) -> list[str]:
    wanted = _stream(plan)
    return _compare(f"stream {plan.name}", STREAM_KEYS, wanted, actual)


def _consumer_differences(plan: ConsumerPlan, actual: api.ConsumerConfig) -> list[str]:
    return _compare(f"consumer {plan.stream}/{plan.name}", CONSUMER_KEYS, _durable(plan), actual)


def _compare(label: str, keys: tuple[str, ...], wanted: object, actual: object) -> list[str]:
    pairs = [(key, getattr(wanted, key), getattr(actual, key)) for key in keys]
    # A flag that is off may be told as false, or not at all.
    differ = [pair for pair in pairs if (pair[1] or None) != (pair[2] or None)]
    return [f"{label}: {key} is {_plain(is_now)}, should be {_plain(should)}" for key, should, is_now in differ]


def _plain(value: object) -> object:
    return {True: "on", False: "off", None: "off"}[value] if isinstance(value, bool | None) else value
