"""The published schemas: as the structs are, and what was once written fits them."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from opsloop_common import reports
from opsloop_common.reports import Fault
from opsloop_common.subjects import Subjects

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
PUBLISHED = ROOT / "docs" / "schemas"
VENDORED = Path(__file__).parent / "vendored" / "asyncapi-3.0.0.json"
PUBLISHERS = {
    "report": "ops.ext.report.v1",
    "report.cloudevent": "ops.ext.report.v1.cloudevent",
    "received": "ops.q.publish.answer.v1",
    **{name: f"ops.out.{name}.v1" for name in ("accepted", "shown", "rejected", "clicked")},
}


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("schemas", ROOT / "scripts" / "schemas.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # msgspec looks the annotations of structs up in their module.
    sys.modules["schemas"] = module
    spec.loader.exec_module(module)
    return module


def published(name: str) -> Draft202012Validator:
    schema = json.loads((PUBLISHED / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def schema_of(golden: Path) -> str:
    """`ops.task.started.v1` is an `ops.task.v1`."""
    if golden.parent.name == "publishers":
        return PUBLISHERS[golden.stem]
    if ".cmd." in golden.name:
        return golden.stem
    kind = re.match(r"ops\.(task|answer)\.", golden.name)
    assert kind is not None
    return f"ops.{kind[1]}.v1"


def test_the_published_schemas_are_as_the_structs_are() -> None:
    """`just schemas` writes them; a struct that changed without it fails here."""
    module = script()
    wanted = {name: module.written(document) for name, document in module.documents().items()}
    assert {path.name: path.read_text() for path in PUBLISHED.glob("*.json")} == wanted


@pytest.mark.parametrize("golden", sorted(GOLDEN.rglob("*.json")), ids=lambda path: path.stem)
def test_every_golden_message_fits_its_schema(golden: Path) -> None:
    """And would not, were one of its required fields missing."""
    message, validator = json.loads(golden.read_text()), published(schema_of(golden))
    validator.validate(message)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate([message])


@pytest.mark.parametrize(
    "said",
    [{"percent": 250}, {"state": "done"}, {"links": [{"label": "x", "url": "http://x"}]}, {"sequence": 0},
     {"buttons": [{"id": "a b", "label": "A"}]}, {"title": "x" * 201}, {"log": ["x"] * 51}],
    ids=str,
)  # fmt: skip
def test_schema_and_decoder_refuse_the_same_report(said: object) -> None:
    """A publisher that validates beforehand is not surprised."""
    assert not published("ops.ext.report.v1").is_valid(said)
    assert isinstance(reports.read(json.dumps(said).encode()), Fault)


def test_the_asyncapi_document_is_one() -> None:
    """By AsyncAPI's own schema; every message it refers to is there."""
    document = json.loads((PUBLISHED / "asyncapi.json").read_text())
    Draft7Validator(json.loads(VENDORED.read_text())).validate(document)
    payloads = [message["payload"]["$ref"] for message in document["components"]["messages"].values()]
    assert all((PUBLISHED / payload).is_file() for payload in payloads)


def test_the_asyncapi_document_knows_every_subject() -> None:
    """Each that is computed anywhere matches one of its channels."""
    document = json.loads((PUBLISHED / "asyncapi.json").read_text())
    addresses = [channel["address"] for channel in document["channels"].values() if channel["address"]]
    known = [re.compile(re.sub(r"\\\{\w+\\\}", "[^.]+", re.escape(address))) for address in addresses]
    subjects = Subjects()
    id = "07-aaaaaaaaaaaaaaaaaaaa"
    computed = [
        subjects.command("run"), subjects.event(id, "queued"), subjects.log(id), subjects.dead_letter("a", "b", 1, b""),
        subjects.metric("value"), subjects.metric("range"), subjects.identity, subjects.form("open"),
        subjects.form("check"), subjects.thread_link, subjects.reported("ci", "b7", "said"),
        subjects.notice("ci", "b7", "shown"), subjects.publishing("ci"),
    ]  # fmt: skip
    assert [subject for subject in computed if not any(one.fullmatch(subject) for one in known)] == []
