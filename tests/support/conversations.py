"""Short ways to write plans, and a server in the process of the test that plays the other end. Imports Locust."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

from gevent.server import StreamServer

from rawsocket.conversation.plan import Expectation, FramingPlan, Plan, Step, Template, Value
from rawsocket.conversation.templates import Sources
from rawsocket.conversation.user import user_class
from rawsocket.measurement.recorder import RECORDER
from tests.support.local_run import Run, wait_until

LINES = FramingPlan("Delimiter", {"mark": b"\r\n"})
NOW = 1_700_000_000.25
SOURCES = Sources(lambda: NOW, Random(1), ("name", "port"))


class Sender:
    """A user, as far as templates see it."""

    number = 7
    message_no = 41
    step_no = 41
    worker = 3
    columns = (b"ann", b"80")
    drawn: dict[Value, Any]
    capture_id = b"12"


def value(name: str, format: str = "") -> Value:
    """A built-in value, a mark (`<`, `>`, `?`), `.column` or `$capture`."""
    if name in ("<", ">", "?"):
        return Value("mark", name)
    if name[0] in ".$":
        return Value("column" if name[0] == "." else "capture", name[1:], format)
    return Value("built-in", name, format)


def text(*pieces: bytes | Value) -> Template:
    return Template(pieces)


def exact(*pieces: bytes | Value) -> Expectation:
    return Expectation("exact", Template(pieces))


def prefix(*pieces: bytes | Value) -> Expectation:
    return Expectation("prefix", Template(pieces))


def regex(pattern: bytes) -> Expectation:
    return Expectation("regex", pattern=pattern)


def send(name: str, *pieces: bytes | Value, line: int = 1, expect: Any = (), **more: Any) -> Step:
    expect = expect if isinstance(expect, tuple) else (expect,)
    return Step("send", line, name, Template(pieces), expect=expect, **more)


def plan(*steps: Step, framing: FramingPlan = LINES, **more: Any) -> Plan:
    """A plan that has crossed to a worker."""
    return Plan.from_json(Plan("mine", "conversations/mine.yaml", framing, steps, **more).to_json())


@contextmanager
def serving(talk: Callable[[Any], None]) -> Iterator[str]:
    """The URL of a server that calls `talk` with each accepted socket."""

    def serve(peer: Any, _: Any) -> None:
        with suppress(OSError):
            talk(peer)

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.stop()


def replies(answer: Callable[[bytes], bytes], greeting: bytes = b"") -> Callable[[Any], None]:
    """A server that answers each line as `answer(line)` says; b"": it closes the connection."""

    def talk(peer: Any) -> None:
        if greeting:
            peer.sendall(greeting)
        lines = peer.makefile("rb")
        while line := lines.readline():
            reply = answer(line.rstrip(b"\r\n"))
            if not reply:
                return
            peer.sendall(reply)

    return talk


def play(made: Plan, url: str, until: Callable[[Run], Any], users: int = 1, **options: Any) -> Run:
    """Run users until that has happened; return the run, which has ended."""
    run = Run(user_class(made), url, users, **({"every": 0.02, "arrivals": "even"} | options))
    try:
        wait_until(lambda: until(run))
        run.runner.stop()
        wait_until(lambda: RECORDER.held == 0)  # users may say goodbye
    finally:
        run.stop()
    return run
