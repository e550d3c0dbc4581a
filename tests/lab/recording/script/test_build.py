r"""Whole conversations from recorded bytes: what a user gets to read, and that the compiler takes it."""

from pathlib import Path
from random import Random

import pytest

from lab.conversation.compile import compiled
from lab.recording.script.build import NothingRecorded, compose, secrets_of
from lab.recording.script.yaml_text import conversation
from lab.recording.traffic import Connection, Traffic
from rawsocket.wire.framing import Delimiter, Line
from tests.support.recordings import BEGUN, made_up, rounds, talk, text_of

TARGET = "tcp://127.0.0.1:9000"


def _compiles(text: str, folder: Path) -> None:
    (folder / "mine.yaml").write_text(text)
    (folder / "mine.csv").write_text("name,password\nanna,s3cret\n")
    assert compiled(folder / "mine.yaml").plan.name == "mine"


def _visit(name: bytes, secret: bytes, token: bytes) -> Connection:
    return talk(
        ("s", b"+OK ready\r\n"),
        ("c", b"LOGIN %s %s\r\n" % (name, secret)),
        ("s", b"+OK token=%s welcome\r\n" % token),
        ("c", b"USE %s\r\n" % token, 0.25),
        ("s", b"+OK\r\n"),
        *rounds(("c", "PUT x# hi\r\n"), ("s", "+OK stored\r\n"), ("c", "GET x#\r\n", 0.1), ("s", "+OK hi\r\n")),
        ("c", b"QUIT\r\n"),
        ("s", b"+BYE\r\n"),
    )


def test_two_recordings_show_what_varies(tmp_path: Path) -> None:
    text = text_of(_visit(b"anna", b"s3cret", b"abc123"), _visit(b"otto", b"geh3im", b"zyx987"))
    assert (
        text
        == r"""# Recorded from tcp://127.0.0.1:9000: 2 connections, 20 messages.
framing: {delimiter: "\r\n"}
target: tcp://127.0.0.1:9000
# fill mine.csv: one line for each user, with name and password
data: mine.csv
every: 500ms
connect:
  - {receive: "+OK ready", name: greeting}
  # {name}: was anna, otto
  - send: "LOGIN {name} {password}"
    expect: {prefix: "+OK token="}
    capture: {token: {regex: "\\+OK token=([^ ]+)"}}
  - wait: 251ms
  # {token}: was abc123, zyx987
  - {send: "USE {token}", expect: "+OK"}
steps:
  # {user}: was 0, 1, 2
  - {send: "PUT x{user} hi", expect: "+OK stored"}
  - wait: 101ms
  # {user}: was 0, 1, 2
  - {send: "GET x{user}", expect: "+OK hi"}
goodbye:
  - {send: "QUIT", expect: "+BYE"}
"""
    )
    _compiles(text, tmp_path)


def test_one_recording(tmp_path: Path) -> None:
    text = text_of(_visit(b"anna", b"s3cret", b"abc123"))
    assert "# one connection shows nothing that differs from user to user: record or import a second one" in text
    assert 'send: "LOGIN anna {password}"' in text
    _compiles(text, tmp_path)


def test_secrets_are_kept_if_wanted() -> None:
    traffic = Traffic(TARGET, (_visit(b"anna", b"s3cret", b"abc123"),))
    assert 'send: "LOGIN anna s3cret"' in conversation(compose(traffic, keep_secrets=True), "mine")
    assert secrets_of(traffic.connections[0]) == {b"s3cret": "password"}


def test_secret_in_a_reply_is_in_no_file(tmp_path: Path) -> None:
    def visit(secret: bytes, token: bytes) -> Connection:
        login = (("c", b"LOGIN anna %s\n" % secret), ("s", b"hello %s you are %s\n" % (secret, token)))
        return talk(*login, ("c", b"USE %s\n" % token), ("s", b"OK\n"))

    text = text_of(visit(b"s3cret", b"abc"), visit(b"geh3im", b"xyz"))
    assert "s3cret" not in text
    assert "geh3im" not in text
    assert 'expect: {prefix: "hello {password} you are "}' in text
    assert 'capture: {are: {regex: " you are (.{3})"}}' in text
    _compiles(text, tmp_path)


def test_greeting_of_several_frames(tmp_path: Path) -> None:
    text = text_of(talk(("s", b"220-hello\n220 ready\n"), ("c", b"NOOP\n"), ("s", b"250 OK\n")))
    assert (
        """connect:
  - {receive: "220-hello", name: greeting}
  - {receive: "220 ready", name: greeting}
"""
        in text
    )
    _compiles(text, tmp_path)


def test_token_of_a_greeting_is_a_capture(tmp_path: Path) -> None:
    said = [(b"+OK <%s@x>\n" % token, b"USE %s\n" % token) for token in (b"abcd", b"wxyz")]
    text = text_of(*(talk(("s", hello), ("c", use), ("s", b"+OK\n")) for hello, use in said))
    assert 'receive: {prefix: "+OK <"}, name: greeting, capture: {ok: {regex: "\\\\+OK <([^@]+)"}}}' in text
    _compiles(text, tmp_path)


def test_one_round_on_each_connection(tmp_path: Path) -> None:
    ask = (("c", b"time?\n"), ("s", b"late\n"))
    first = talk(*ask, closed_by="server")
    second = Connection(BEGUN + 2, first.pieces, "server")
    text = text_of(first, second)
    assert "every: 2s\nrounds: 1\n" in text
    _compiles(text, tmp_path)


def test_round_without_a_repetition_says_nothing_about_every(tmp_path: Path) -> None:
    text = text_of(talk(("c", b"HELLO a\n"), ("s", b"hi\n"), ("c", b"DO it\n", 0.5), ("s", b"done\n")))
    assert "one round was recorded, which says nothing about `every`" in text
    assert "  - wait: 501ms\nsteps:\n" in text
    _compiles(text, tmp_path)


def test_pause_after_each_reply() -> None:
    said = [("c", b"PING\n"), ("s", b"PONG\n", 0.3), ("c", b"PING\n", 0.2), ("s", b"PONG\n", 0.9)]
    said += [("c", b"PING\n", 0.2), ("s", b"PONG\n", 0.1), ("c", b"PING\n", 0.2), ("s", b"PONG\n", 0.5)]
    text = text_of(talk(*said))
    assert "every: 0\n" in text
    assert text.endswith('steps:\n  - {send: "PING", expect: "PONG"}\n  - wait: 201ms\n')


def test_pushes_have_what_replies_do_not_begin_with(tmp_path: Path) -> None:
    said = [("c", b"SUB a\n"), ("s", b"OK\n"), ("s", b"MSG one\n", 1.0), ("s", b"MSG two\n", 1.0), ("c", b"PING\n")]
    text = text_of(talk(*said, ("s", b"PONG\n"), ("c", b"PING\n", 1.0), ("s", b"PONG\n")))
    assert 'pushes: {prefix: "MSG"}' in text
    _compiles(text, tmp_path)
    alike = text_of(talk(*said[:2], ("s", b"OK\n", 1.0), ("c", b"PING\n"), ("s", b"OK\n")))
    assert "messages by itself that look like replies" in alike


def test_push_that_the_client_answers(tmp_path: Path) -> None:
    said = [("c", b"NICK a\r\n"), ("s", b"OK\r\n"), ("s", b"PING :x.y\r\n", 1.0), ("c", b"PONG :x.y\r\n")]
    text = text_of(talk(*said, *[("c", b"SAY it\r\n", 0.5), ("s", b"OK\r\n")] * 2))
    assert r'pushes: {regex: "^PING (?P<rest>[^\\r\\n]*)", answer: "PONG {rest}"}' in text
    assert 'send: "PONG' not in text
    _compiles(text, tmp_path)


def test_password_of_a_binary_protocol_may_have_any_length(tmp_path: Path) -> None:
    connect = b"\0\4MQTT\4\xc2\0\x3c\0\4dev1\0\4anna\0\6s3cret"
    text = text_of(
        talk(("c", b"\x10" + bytes([len(connect)]) + connect), ("s", b"\x20\2\0\0"), ("c", b"\xc0\0"), ("s", b"\xd0\0"))
    )
    assert "s3cret" not in text
    assert "{length:u2}" in text
    assert "framing: {varint: {at: 1}}" in text
    _compiles(text, tmp_path)


def test_password_of_postgresql(tmp_path: Path) -> None:
    startup = b"\0\0\0\x0d\0\3\0\0user\0"
    ready = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\5I"
    query = (("c", b"Q\0\0\0\x0dselect 1\0"), ("s", b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\5I"))
    text = text_of(
        talk(("c", startup), ("s", b"R\0\0\0\x08\0\0\0\3"), ("c", b"p\0\0\0\x0bs3cret\0"), ("s", ready), *query)
    )
    assert 'send: {hex: "70 {<} {length:u4} {password} 00 {>}"}' in text
    assert text.index("connect:") < text.index("{password}") < text.index("\nsteps:")
    _compiles(text, tmp_path)


def test_framing_that_is_given() -> None:
    traffic = Traffic(TARGET, (talk(("c", b"a\r\n"), ("s", b"b\r\n")),))
    assert compose(traffic).framing == r'{delimiter: "\r\n"}'
    assert compose(traffic, Line()).framing == "line"
    assert compose(traffic, Delimiter(b"\n")).steps[0].text == [b"a\r"]


def test_bytes_that_are_left_over_and_other_dialogues_are_told() -> None:
    text = text_of(talk(*rounds(("c", "A\n"), ("s", "1\n"))), talk(("c", b"B\n"), ("s", b"2\n")))
    assert "# 1 other connections had another dialogue, which is not shown" in text
    rest = text_of(talk(*rounds(("c", "A\n"), ("s", "1\n"), number=12), ("c", b"A\n"), ("s", b"1\n2")))
    assert "# 1 bytes at the end of the recording are no whole message" in rest


@pytest.mark.parametrize("connections", [(), (talk(),)])
def test_nothing_was_recorded(connections: tuple[Connection, ...]) -> None:
    with pytest.raises(NothingRecorded):
        compose(Traffic(TARGET, connections))


@pytest.mark.parametrize("seed", range(40))
def test_any_bytes_make_a_file_that_compiles(seed: int, tmp_path: Path) -> None:
    script = compose(Traffic(TARGET, tuple(made_up(Random(seed)))))
    if script.columns:
        row = ",".join("x" for _ in script.columns)
        (tmp_path / "mine.csv").write_text(",".join(script.columns) + f"\n{row}\n")
    (tmp_path / "mine.yaml").write_text(conversation(script, "mine"))
    assert compiled(tmp_path / "mine.yaml").plan.name == "mine"
