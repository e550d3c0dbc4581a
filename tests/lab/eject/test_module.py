import ast
from pathlib import Path

import pytest

from lab import folders
from lab.conversation.compile import compiled
from lab.eject.module import class_name, connect_row, module


def _module(tmp_path: Path, text: str) -> str:
    (tmp_path / "a.yaml").write_text(text)
    made = compiled(tmp_path / "a.yaml", "conversations/a.yaml")
    found = module(made.plan, made.settings, "mine", "mine.csv")
    ast.parse(found)
    return found


def test_command_is_that_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "is_clone", lambda: False)
    assert "\n    holdfast load SCENARIO=mine EVERY=1\n" in _module(tmp_path, "every: 1s\nsteps: [{send: a}]\n")


def test_whole_module(tmp_path: Path) -> None:
    text = r"""
framing: {delimiter: "\r\n"}
target: tcp://127.0.0.1:6379
every: 10s
steps: [{send: "SET k{user} {random:16}", expect: "+OK", name: set}]
goodbye: {send: QUIT}
"""
    assert (
        _module(tmp_path, text)
        == r'''"""The conversation of conversations/a.yaml, as a session in Python.

    make load SCENARIO=mine TARGET=tcp://127.0.0.1:6379 EVERY=10
"""

import random
import string

from rawsocket import Connect, Delimiter, Due, Request, Session, SessionUser


def letters(size: int) -> bytes:
    """Return so many random letters and digits."""
    return "".join(random.choices(string.ascii_letters + string.digits, k=size)).encode()


class A(SessionUser):
    """a, step by step."""

    framing = Delimiter(b"\r\n")

    def session(self) -> Session:
        every = self.option("every")
        yield from self.open()
        while True:
            if every:
                yield Due(every)
            if self.connection is None:
                yield from self.open()
            yield Request(b"SET k%d %b" % (self.number, letters(16)), name="set", expect=b"+OK")

    def open(self) -> Session:
        yield Connect()

    def goodbye(self) -> Session:
        yield Request(b"QUIT", name="QUIT")
'''
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("connect: [{send: hi}]", ["            yield Wait(3600)", 'not_judged = ("hi",)']),
        ("steps: [connect, {send: a}, close]", ["holds = False", "yield from self.open()\n            yield Request("]),
        ("rounds: 2\nsteps: [{send: a}]", ["for _ in range(2):", "holds = False", "                yield Close()"]),
        ("steps: [{receive: any}]", ["accepts_pushes = True"]),
        ("steps: [{send: '{worker}'}]", ["def worker(self) -> int:"]),
        ("steps: [{send: a}]\npushes: '!'", ['return message == b"!"']),
        (
            "steps: [{send: a}]\npushes: [{regex: '(?P<x>.)', answer: 'r{x}'}, b]",
            ["def on_push", 'self.captured["x"] = found["x"]', 'return b"r%b" % self.captured["x"]'],
        ),
        ("steps: [{send: a}]\nmatch: {size: 2}", ["def request_key", "return payload[0:2]", "return message[0:2]"]),
        (
            "steps: [{send: a}]\nheartbeat: {every: 1s, send: '{sum}', reply: no}",
            ["self.beat", "def beat(self) -> bytes:"],
        ),
        ("steps: [{send: a}]\nheartbeat: {every: 1s, send: b}", ['yield Heartbeat(1, b"b")']),
        (
            "steps: [{send: a, expect: {regex: '(?P<n>.)'}, then: {bytes: '{n}+2'}}]",
            ['REPLIES = FollowedBy(Line(), (More(rb"(?P<n>.)", "n", 2),))', "framing = Framings(Line(), REPLIES)"],
        ),
    ],
)
def test_part_of_a_module(text: str, parts: list[str], tmp_path: Path) -> None:
    found = _module(tmp_path, text)
    assert [part for part in parts if part not in found] == []


def test_load_shape_is_an_attribute(tmp_path: Path) -> None:
    shape = "shape: {steps: {from: 100, to: 1000, by: 100, hold: 30s}}"
    found = _module(tmp_path, f"{shape}\nsteps: [{{send: PING}}]\n")
    assert '    shape = Steps(start=100, to=1000, by=100, hold="30s")\n' in found
    assert "from rawsocket import Connect, Due, Line, Request, Session, SessionUser, Steps\n" in found


def test_data_are_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("name\nann\n")
    found = _module(tmp_path, "data: {file: users.csv, repeat: yes}\nsteps: [{send: '{name}'}]")
    assert 'row = CsvRows("mine.csv", repeat=True)' in found
    assert 'self.row["name"].encode()' in found


def test_row_of_the_connect_part_that_a_step_has_as_well(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("connect: {send: PING}\nsteps: {send: PING}")
    plan = compiled(tmp_path / "a.yaml").plan
    assert connect_row(plan, plan.connect[0]) == "PING (connect)"


@pytest.mark.parametrize(
    ("name", "found"),
    [("redis", "Redis"), ("sub/memcached_binary", "MemcachedBinary"), ("8583", "Conversation8583"), ("a-b.c", "ABC")],
)
def test_class_name(name: str, found: str) -> None:
    assert class_name(name) == found
