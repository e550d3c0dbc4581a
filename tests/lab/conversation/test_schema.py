import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lab.conversation import schema
from lab.conversation.syntax.framings import KINDS
from lab.settings import ROOT
from tests.lab.conversation.test_compile import REDIS

CHECK = jsonschema.Draft202012Validator(schema.schema())


def _errors(text: str) -> list[Any]:
    return list(CHECK.iter_errors(yaml.safe_load(text)))


def test_file_of_the_docs_is_up_to_date() -> None:
    """If not: `.venv/bin/python -m lab.conversation.schema` writes it."""
    assert schema.FILE.read_text() == schema.text()


def test_schema_itself_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.text()))


def test_every_key_of_the_file_and_of_send_has_a_meaning() -> None:
    found = schema.schema()
    for name, entry in (("Document", found), ("SendEntry", found["$defs"]["SendEntry"])):
        assert entry["properties"].keys() == schema.KEYS[name].keys()


@pytest.mark.parametrize(
    "text",
    [
        REDIS,
        "steps: connect",
        "connect: [{send: {hex: '00'}}, starttls, {wait: 1s}, {close: reset}]",
        "steps: [{receive: any, timeout: forever, required: no}, {framing: {send: line, receive: {fixed: 4}}}]",
        "framing: {length: {at: 1, size: 2, adjust: -2}}",
        "framing: eof",
        "pushes: [{prefix: '>', answer: ok}, '!']",
        "match: {request: {at: 0, size: 2}, reply: {regex: 'id=(.)'}}",
        "data: {file: a.csv, repeat: yes}",
        "thresholds: {p99: 20ms, failures: 0.1%, held: 10, messages_s: {all: 5, set: 1}}",
    ],
)
def test_valid_file(text: str) -> None:
    assert _errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "stepps: []",
        "steps: [{sned: a}]",
        "steps: [{send: a, exepct: b}]",
        "steps: [{send: 0123}]",
        "steps: []",
        "every: 5x",
        "framing: {delimter: x}",
        "framing: {delimiter: {ennd: x}}",
        "framing: fixed",
        "heartbeat: {every: 5s}",
        "tls: {ca: 5}",
    ],
)
def test_file_with_a_mistake(text: str) -> None:
    assert _errors(text)


@pytest.mark.parametrize("path", sorted((ROOT / "conversations").glob("*.yaml")), ids=lambda path: path.stem)
def test_each_conversation_of_the_lab_is_valid(path: Path) -> None:
    assert _errors(path.read_text()) == []


def test_each_framing_is_known() -> None:
    found = schema.schema()["$defs"]["Framing"]["anyOf"]
    assert list(found[1]["properties"]) == list(KINDS)
