"""Pushes of several frames: the same for both kinds of users."""

import itertools
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

from rawsocket.engine.exchange.pushes import Pushes
from rawsocket.users.steps import Connect, Receive, Request, Wait
from tests.support.facades import BOTH, Facade, lines

Script = Generator[Any, Any, Any]
pytestmark = BOTH
NEWS = [b"*3", b"message", b"news", b"hello"]


class WholeArray:
    """Counts the elements of an array; created for each."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.left = 1

    def __call__(self, frames: list[bytes]) -> bool:
        self.left += int(frames[-1][1:]) if frames[-1][:1] == b"*" else 0
        self.left -= 1
        return self.left == 0


def handlers(**more: Any) -> SimpleNamespace:
    return SimpleNamespace(is_push=lambda message: message.startswith(b"*"), push_until=WholeArray, **more)


def around_a_reply(sock: Any) -> None:
    """Answer each line, with a push before its reply and another one after it, in two packets."""
    for line in lines(sock):
        sock.sendall(b"*3\nmessage\nne")
        sock.sendall(b"ws\nhello\n" + line + b"\n*2\n*1\na\nb\n")


def test_push_of_several_frames_is_one_push_whatever_is_in_flight(facade: Facade):
    def script() -> Script:
        yield Connect()
        reply = yield Request(b"ask", expect=b"ask")
        return reply, (yield Receive(expect=NEWS)), (yield Receive(name="second"))

    outcome = facade(around_a_reply, script, handlers=handlers())
    assert outcome.result == (b"ask", NEWS, [b"*2", b"*1", b"a", b"b"])
    assert outcome.recorder.pushed == outcome.count("push") == 2
    assert outcome.recorder.rows["push"].bytes == sum(map(len, NEWS)) + 6


def test_unsolicited_frames_are_gathered_without_is_push(facade: Facade):
    def server(sock: Any) -> None:
        sock.sendall(b"*1\na\n*2\none\n")
        for line in lines(sock):
            sock.sendall(b"two\n" + line + b"\n")

    def script() -> Script:
        yield Connect()
        first = yield Receive()
        yield Wait(0)  # the rest of the packet comes before the request
        reply = yield Request(b"ask", expect=b"ask")
        return first, reply, (yield Receive())

    outcome = facade(server, script, handlers=SimpleNamespace(push_until=WholeArray), accepts_pushes=True)
    assert outcome.result == ([b"*1", b"a"], b"ask", [b"*2", b"one", b"two"])


def test_on_push_and_only_get_the_frames(facade: Facade):
    got: list[bytes] = []

    def server(sock: Any) -> None:
        sock.sendall(b"*1\na\n*1\nb\n")
        got.extend(itertools.islice(lines(sock), 2))
        sock.sendall(b"*1\nend\n")

    def script() -> Script:
        yield Connect()
        return (yield Receive(only=lambda frames: frames[1] == b"end"))

    outcome = facade(server, script, handlers=handlers(on_push=lambda frames: b"got " + frames[1]))
    assert outcome.result == [b"*1", b"end"]
    assert got == [b"got a", b"got b"]


def test_frames_are_counted_once_however_many_there_are(facade: Facade):
    asked: list[int] = []
    until = lambda frames: asked.append(1) or len(frames) == 3000  # noqa: E731
    pushes = Pushes(SimpleNamespace(push_until=until), names=False, gathers=True)  # type: ignore[arg-type]
    for number in range(3000):
        pushes.add(b"%d" % number, 1.0)
    ((frames, at),) = pushes.take_all()
    assert (len(frames), at, len(asked)) == (3000, 1.0, 3000)
    assert not pushes
