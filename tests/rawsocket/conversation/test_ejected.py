"""A session that `lab eject` wrote says to a server what the conversation says."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.conversation.compile import compiled
from lab.eject import command as eject
from rawsocket.conversation.user import user_class
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.session_user import SessionUser
from tests.support.checks import checked
from tests.support.conversations import serving
from tests.support.ejected import imported
from tests.support.local_run import LONG, Run, wait_until

pytestmark = pytest.mark.usefixtures("fresh_recorder")

LINES = r"""
framing: {delimiter: "\r\n"}
data: {file: users.csv, repeat: yes}
connect:
  - {send: "LOGIN {name} {secret}", expect: {regex: "^OK (?P<token>\\w+)$"}, reject: {prefix: "-"}, name: login}
rounds: 2
steps:
  - {send: "SET k{user:05} {token} {random:8}", expect: "+OK", name: set}
  - {send: "ECHO {random:6} {n}", expect: [{prefix: "got {random:6}"}, "end"], reject: "-ERR", name: echo}
  - {send: "LIST", until: ".", expect: ".", capture: {first: {regex: "(\\d+)"}}, name: list}
  - {send: "USE {first}", expect: {contains: "{first}"}, name: use}
  - {raw: "noise\r\n"}
  - {send: "LOG {user}", reply: no, name: log}
goodbye: {send: "QUIT", expect: any}
pushes: [{regex: "^PING (?P<cookie>\\w+)$", answer: "PONG {cookie}"}, {prefix: "!"}]
"""


def _lines(frame: bytes) -> bytes:
    word, _, rest = frame.partition(b" ")
    replies = {
        b"LOGIN": b"OK t0ken\r\nPING abc\r\n!news\r\n",
        b"ECHO": b"got " + rest.split(b" ")[0] + b" x\r\nend\r\n",
        b"LIST": b"list\r\n42 first\r\n43 second\r\n.\r\n",
        b"USE": b"used " + rest + b"\r\n",
        b"SET": b"+OK\r\n",
        b"QUIT": b"bye\r\n",
    }
    return replies.get(word, b"")


FIX = r"""
framing: {until: "\\x0110=\\d{3}\\x01"}
rounds: 3
connect:
  - send: "8=FIX.4.4\x019={length}\x01{<}35=A\x0149=ME{user}\x0134={n}\x01{>}10={sum}\x01"
    expect: {contains: "35=A\x01"}
    name: logon
steps:
  - send: "8=FIX.4.4\x019={length:04}\x01{<}35=0\x0134={n}\x01{>}10={sum}\x01"
    expect: {prefix: {hex: "38 3d ?? ?? 58"}}
    name: beat
goodbye: {send: "8=FIX.4.4\x019={length}\x01{<}35=5\x01{>}10={sum}\x01", reply: no}
"""


def _fix(data: bytes) -> bytes:
    """Answer a message whose length and sum are right with itself."""
    head, body, tail = re.fullmatch(rb"(8=FIX\.4\.4\x019=(?:\d+)\x01)(.*\x01)10=(\d+)\x01", data, re.S).groups()  # type: ignore[union-attr]
    assert int(head.split(b"=")[-1].rstrip(b"\x01")) == len(body)
    assert int(tail) == sum(head + body) % 256
    return b"" if b"35=5" in body else data


BINARY = r"""
framing: {length: {at: 1, size: 2, adjust: 4}}
rounds: 2
match: {at: 3, size: 4}
steps:
  - {send: {hex: "01 {length:u2} {<} {n:u4} 68 69 {user:u2le} {>} {crc32:u4}"}, expect: {bytes: 15}, name: a}
  - send: {hex: "02 {length:u2} {<} {n:u4} {n:varint} {>} {crc32:u4}"}
    inflight: 2
    expect: {hex: "02 00 05 ?? ?? ?? ?? ?? ?? ?? ?? ??"}
  - {framing: {length: {at: 1, size: 2, adjust: 4}}}
  - send: {hex: "03 {length:u2} {<} {n:u4} {>} {crc32:u4}"}
    name: last
    expect: {hex: "03 {length:u2} {<} {n:u4} {>} {crc32:u4}"}
"""


def _binary(frame: bytes) -> bytes:
    assert struct.unpack(">I", frame[-4:])[0] == zlib.crc32(frame[:-4])
    return frame


REDIS = r"""
framing: {delimiter: "\r\n"}
rounds: 2
steps:
  - {send: "GET k{user}", expect: {regex: "^\\$(?P<len>\\d+)$"}, then: {bytes: "{len}+2"}, name: get}
  - {send: "PING", expect: "+PONG", name: ping}
  - {send: "SIZE {len}", name: size}
"""


def _redis(frame: bytes) -> bytes:
    return b"$7\r\na\r\nb\r\nc\r\n" if frame.startswith(b"GET") else b"+PONG\r\n"


def _delimited(end: bytes) -> Callable[[bytes], int]:
    def cut(data: bytes) -> int:
        match = re.search(end, data, re.S)
        return match.end() if match else 0

    return cut


def _counted(data: bytes) -> int:
    size = int.from_bytes(data[1:3]) + 7 if len(data) >= 3 else 0
    return size if len(data) >= size else 0


CASES: dict[str, tuple[str, Callable[[bytes], int], Callable[[bytes], bytes]]] = {
    "lines": (LINES, _delimited(rb"\r\n"), lambda data: _lines(data.rstrip())),
    "fix": (FIX, _delimited(rb"\x0110=\d{3}\x01"), _fix),
    "binary": (BINARY, _counted, _binary),
    "redis": (REDIS, _delimited(rb"\r\n"), lambda data: _redis(data.rstrip())),
}


def _ejected(file: Path) -> type[SessionUser]:
    """Write the session of a conversation, and import it."""
    target = file.with_name(f"ejected_{file.stem}.py")
    assert eject.run(str(file), str(target)) == 0
    found: type[SessionUser] = imported(target, file.stem.capitalize())
    return found


Heard = tuple[list[bytes], set[str]]


def _talk(cut: Callable[[bytes], int], answer: Callable[[bytes], bytes], heard: list[bytes]) -> Callable[[Any], None]:
    """Return the server's part of a connection, which keeps what it hears."""

    def talk(peer: Any) -> None:
        data = b""
        while more := peer.recv(65536):
            data += more
            while end := cut(data):
                heard.append(data[:end])
                reply = answer(data[:end])
                data = data[end:]
                if reply:
                    peer.sendall(reply)

    return talk


def _heard(kind: type[Any], cut: Callable[[bytes], int], answer: Callable[[bytes], bytes]) -> Heard:
    """Return what a server hears on the first whole connection of a user, and the rows of the user."""
    ended: list[list[bytes]] = []

    def talk(peer: Any) -> None:
        heard: list[bytes] = []
        try:
            _talk(cut, answer, heard)(peer)
        finally:
            ended.append(heard)

    RECORDER.begin_run()
    with serving(talk) as url:
        run = Run(kind, url, 1, every=0.01, arrivals="even", stop_timeout=LONG / 3)  # the goodbye is waited for
        try:
            wait_until(lambda: ended)
        finally:
            run.stop()
    assert (run.errors, RECORDER.failures) == ([], 0)
    return ended[0], set(run.rows)


@pytest.mark.parametrize("name", CASES)
def test_ejected_session_says_the_same(name: str, tmp_path: Path) -> None:
    text, cut, answer = CASES[name]
    (tmp_path / "users.csv").write_text("name,secret\nann,pea\n")
    file = tmp_path / f"{name}.yaml"
    file.write_text(text)
    expected, rows = _heard(user_class(compiled(file).plan), cut, answer)
    found, rows_of_ejected = _heard(_ejected(file), cut, answer)
    assert len(expected) > 3
    assert _plain(found) == _plain(expected)
    assert rows_of_ejected == rows


@pytest.mark.parametrize("name", CASES)
def test_ejected_session_passes_the_check(name: str, tmp_path: Path) -> None:
    text, cut, answer = CASES[name]
    (tmp_path / "users.csv").write_text("name,secret\nann,pea\n")
    file = tmp_path / f"{name}.yaml"
    file.write_text(text)
    for kind in (user_class(compiled(file).plan), _ejected(file)):
        dialogue = checked(kind, _talk(cut, answer, []), every=0.01)
        assert dialogue.failure is None


def _plain(heard: list[bytes]) -> list[bytes]:
    """Return messages without what is random in them."""
    return [re.sub(rb"(SET \S+ \S+|ECHO) \w+", rb"\1 *", message) for message in heard]
