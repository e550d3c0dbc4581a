"""The JSON Schema of a conversation's file, from the same classes that read it: `python -m lab.conversation.schema`.

It is docs/conversation.schema.json, with which editors complete and check a file. Values in braces, regular expressions
and what contradicts itself are checked by the lab alone.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from lab.conversation.syntax.document import Document
from lab.conversation.syntax.structure import Entry, types
from lab.conversation.syntax.values import Leaf

FILE = Path(__file__).resolve().parents[2] / "docs/conversation.schema.json"
#: What the keys mean that a reader of a file meets first.
KEYS = {
    "Document": {
        "description": "what this conversation is",
        "framing": "how messages are separated; default: line",
        "target": "tcp://host:port or tls://host:port; default of TARGET",
        "timeout": "until a connect, a send or a reply counts as failed; default of TIMEOUT",
        "users": "connections; default of USERS",
        "rate": "users started a second; default of RATE",
        "time": "length of a run; default of TIME",
        "tls": "certificates and names of TLS; paths begin in the folder of this file",
        "thresholds": "what the verdict judges",
        "every": "each round of steps begins at the connection's next due time; 0: at once; default of EVERY",
        "rounds": "the number of rounds before goodbye, close and a new connection; 0 or nothing: no limit",
        "data": "a CSV file with a row for each user, whose columns are values: {name}",
        "connect": "steps after each connect; their rows are not judged",
        "steps": "the round that each connection repeats",
        "goodbye": "steps before the end of a connection",
        "heartbeat": "a message that is sent again and again, beside the steps",
        "pushes": "messages that are no replies",
        "match": "where the id stands by which replies belong to requests, in any order",
        "shape": "a load shape: steps, spike, soak or wave",
        "drill": "a fault in a load or ci run, whose recovery is verified; default of DRILL, AT and FOR",
    },
    "SendEntry": {
        "send": "the message, without what the framing adds",
        "name": "its row in the statistics",
        "expect": "what its reply must be; a list: one for each frame",
        "reject": "a frame that matches fails at once",
        "until": "the frame that ends a reply of several frames",
        "frames": "the number of frames of its reply",
        "then": "raw bytes that follow the frame and belong to the reply",
        "reply": "no: none comes",
        "inflight": "how many messages may wait for their replies",
        "capture": "parts of the reply that later messages use: {name}",
    },
}


def schema() -> dict[str, Any]:
    """Return the schema."""
    defined: dict[str, Any] = {}
    _reference(Document, defined)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A conversation of Holdfast",
        **defined.pop("Document"),
        "$defs": dict(sorted(defined.items())),
    }


def _reference(kind: type[Any], defined: dict[str, Any]) -> dict[str, Any]:
    """Return a reference to the schema of a class, which is added to `defined`."""
    name = kind.__name__
    if name not in defined:
        defined[name] = {}  # it may refer to itself
        defined[name] = _entry(kind, defined) if issubclass(kind, Entry) else _resolved(kind.schema, defined)
    return {"$ref": f"#/$defs/{name}"}


def _entry(kind: type[Entry], defined: dict[str, Any]) -> dict[str, Any]:
    fields = msgspec.structs.fields(kind)
    texts = KEYS.get(kind.__name__, {})
    found: dict[str, Any] = {
        "description": inspect.cleandoc(kind.__doc__ or ""),
        "type": "object",
        "properties": {
            field.encode_name: _described(_reference(types(field.type)[0], defined), texts.get(field.encode_name))
            for field in fields
        },
        "additionalProperties": False,
    }
    required = [field.encode_name for field in fields if field.required]
    return {**found, "required": required} if required else found


def _described(reference: dict[str, Any], text: str | None) -> dict[str, Any]:
    return {**reference, "description": text} if text else reference


def _resolved(value: Any, defined: dict[str, Any]) -> Any:
    """Return a schema with references in place of its classes."""
    if isinstance(value, type):
        assert issubclass(value, Leaf | Entry)
        return _reference(value, defined)
    if isinstance(value, dict):
        return {name: _resolved(each, defined) for name, each in value.items()}
    return [_resolved(each, defined) for each in value] if isinstance(value, list) else value


def text() -> str:
    """Return the content of the file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
