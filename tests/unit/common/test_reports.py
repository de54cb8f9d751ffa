"""Reports of other systems: what can be read, and what is wrong with the rest, by reason and pointer."""

import pytest

from opsloop_common import reports
from opsloop_common.publishers import Publisher
from opsloop_common.reports import Fault, Read, Report

CI = Publisher(
    name="ci", title="Builds", workspace="T1", channels=("C1", "C2"), targets={"naples": "C3"}, press_by=("*",)
)
BUTTON = b'{"buttons":[{"id":"a","label":%s}]}'


@pytest.mark.parametrize(
    ("message", "reason", "pointer"),
    [
        (b"", "not_json", ""),
        (b"running", "not_json", ""),
        (b"\xff\xfe", "not_json", ""),
        (b'{"percent":NaN}', "not_json", ""),
        (b'{"title":"\\ud800"}', "not_json", ""),
        (b'{"a":' * 3000, "not_json", ""),
        (b'{"title":"' + b"x" * 1_000_000 + b'"}', "too_large", ""),
        (b"[1]", "not_an_event", ""),
        (b'{"percent":250}', "not_an_event", "/percent"),
        (b'{"percent":-1}', "not_an_event", "/percent"),
        (b'{"percent":1e400}', "not_an_event", "/percent"),
        (b'{"percent":true}', "not_an_event", "/percent"),
        (b'{"state":"done"}', "not_an_event", "/state"),
        (b'{"title":7}', "not_an_event", "/title"),
        (b'{"sequence":0}', "not_an_event", "/sequence"),
        (b'{"log":["a",7]}', "not_an_event", "/log/1"),
        (b'{"links":[{"label":"x"}]}', "not_an_event", "/links/0/url"),
        (b'{"links":[{"label":"x","url":"http://x"}]}', "not_an_event", "/links/0/url"),
        (b'{"links":[{"label":"x","url":"https://a@b/"}]}', "not_an_event", "/links/0/url"),
        (b'{"links":[{"label":"x","url":"https://a/|b>"}]}', "not_an_event", "/links/0/url"),
        (b'{"links":[{"label":"x","url":"https://a:b/"}]}', "not_an_event", "/links/0/url"),
        (BUTTON % b'""', "not_an_event", "/buttons/0/label"),
        (BUTTON % b'" \\u200b\\u0007"', "not_an_event", "/buttons/0/label"),
        (BUTTON % (b'"' + b"x" * 61 + b'"'), "not_an_event", "/buttons/0/label"),
        (b'{"buttons":[{"id":"a b","label":"A"}]}', "not_an_event", "/buttons/0/id"),
        (b'{"buttons":[{"id":"a","label":"A"},{"id":"a","label":"B"}]}', "not_an_event", "/buttons/1/id"),
        (b'{"specversion":"0.3","id":"1","data":{}}', "not_an_event", "/specversion"),
        (b'{"specversion":"1.0","data":{}}', "not_an_event", "/id"),
        (b'{"specversion":"1.0","id":"1","data":{"percent":"x"}}', "not_an_event", "/data/percent"),
    ],
)
def test_a_fault_is_named_by_reason_and_pointer(message: bytes, reason: str, pointer: str) -> None:
    """Whatever arrives, the answer says where it is wrong and what would be right."""
    fault = reports.read(message)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.pointer) == (reason, pointer)
    assert fault.expected


def test_plain_json_and_a_cloud_event_say_the_same() -> None:
    """The data of a CloudEvent is the report; its id is the event's, its subject may name the task."""
    plain = reports.read(b'{"title":"Build 7","percent":40,"later":1,"id":"e1","task_id":"build-7"}')
    cloud = reports.read(
        b'{"specversion":"1.0","id":"e1","source":"ci","type":"build","subject":"build-7",'
        b'"data":{"title":"Build 7","percent":40}}'
    )
    assert plain == Read(Report(title="Build 7", percent=40, id="e1", task_id="build-7"))
    assert cloud == Read(Report(title="Build 7", percent=40, id="e1", task_id="build-7"), "/data")
    assert cloud.placed(Fault(reason="incomplete", pointer="/title")).pointer == "/data/title"


@pytest.mark.parametrize("label", ["<!channel>", "🚀", "*Stop* & go", "停止", "&amp;"])
def test_odd_labels_that_can_be_seen_are_labels(label: str) -> None:
    """What Slack would read into them is the notifier's to prevent."""
    found = reports.read(b'{"buttons":[{"id":"a","label":"' + label.encode() + b'"}]}')
    assert isinstance(found, Read)
    assert found.report.buttons is not None
    assert found.report.buttons[0].label == label


@pytest.mark.parametrize(
    ("report", "reason", "pointer"),
    [
        (Report(channel="C9"), "channel_not_allowed", "/channel"),
        (Report(channel="C3"), "channel_not_allowed", "/channel"),
        (Report(target="tampa"), "target_not_allowed", "/target"),
        (Report(target="naples", channel="C1"), "channel_not_allowed", "/channel"),
    ],
)
def test_a_publisher_speaks_where_the_catalogue_allows(report: Report, reason: str, pointer: str) -> None:
    """Another channel or target is refused, and what is allowed is named."""
    fault = reports.permitted(report, CI)
    assert fault is not None
    assert (fault.reason, fault.pointer) == (reason, pointer)


def test_buttons_need_somebody_who_may_press_them() -> None:
    """Deny by default."""
    found = reports.read(BUTTON % b'"A"')
    assert isinstance(found, Read)
    assert reports.permitted(found.report, CI) is None
    silent = Publisher(name="ci", title="Builds", workspace="T1", channels=("C1",))
    fault = reports.permitted(found.report, silent)
    assert fault is not None
    assert fault.reason == "buttons_not_allowed"


@pytest.mark.parametrize(
    ("report", "pointer"), [(Report(percent=1), "/title"), (Report(title=" "), "/title"), (Report(title="x"), "/state")]
)
def test_the_first_event_of_a_task_says_what_it_is(report: Report, pointer: str) -> None:
    """A title, and a state or a percentage."""
    fault = reports.beginning(report)
    assert fault is not None
    assert fault.pointer == pointer


def test_fields_nobody_reads_are_named_for_whoever_asks() -> None:
    """They are no fault: a newer publisher may say more than we know."""
    assert reports.unknown_fields(b'{"title":"x","procent":4}') == ["procent"]
