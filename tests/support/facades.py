"""One script of steps for both kinds of users: a session that yields them, and a client whose methods do the same.

`run_both` is a pytest parameter: `facade(server, script, ...)` runs the script against `server`, a function that serves
one accepted socket, and returns what came of it. Imports Locust.
"""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from rawsocket.engine.callbacks import Handlers
from rawsocket.engine.engine import engine
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.users import steps
from rawsocket.users.client import RawSocketClient
from rawsocket.users.config import SessionConfig
from rawsocket.users.session.runner import SessionRunner
from rawsocket.wire.framing import Framing, Line
from tests.support.local_run import LONG

Script = Callable[[], Generator[Any, Any, Any]]
Server = Callable[[Any], None]


@dataclass
class Outcome:
    """What came of a script: its result or its exception, all events (row, outcome), and the counters."""

    recorder: Recorder = field(default_factory=Recorder)
    events: list[tuple[str, str]] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    result: Any = None
    raised: BaseException | None = None

    def event(self, owner: Any, row: str, seconds: float | None, length: int, failure: Any) -> None:
        self.events.append((row, failure.name if failure else "ok"))
        if seconds is not None and failure is None:
            self.seconds.setdefault(row, []).append(seconds)

    def count(self, row: str) -> int:
        """Successful events of a row."""
        return self.events.count((row, "ok"))

    def check(self) -> None:
        """Check the recorder's rules at the end, when nothing is open."""
        made = self.recorder
        assert made.held == 0
        assert made.attempted == made.connected + sum(made.failed.values())
        assert made.connected == sum(made.dropped.values()) + made.closed
        assert made.sent == made.answered + made.wrong + made.unanswered + made.oneway
        assert made.failures == sum(sum(row.failures.values()) for row in made.rows.values())


class _Default:
    """Handlers that do nothing."""

    is_push = push_until = on_push = request_key = reply_key = None


def _config(port: int, outcome: Outcome, framing: Framing, handlers: Any, **more: Any) -> SessionConfig:
    timeouts = {"connect_timeout": LONG, "send_timeout": LONG, "reply_timeout": LONG}
    return SessionConfig(
        engine(), outcome.recorder, outcome.recorder.rows, SimpleNamespace(listener=outcome), Target("127.0.0.1", port),
        framing, sorts_pushes=handlers.is_push is not None, answers_pushes=handlers.on_push is not None,
        gathers_pushes=handlers.push_until is not None, matches_by_key=handlers.reply_key is not None,
        **(timeouts | more),
    )  # fmt: skip


class _User:
    """Runs a script as a session, once."""

    def __init__(self, config: SessionConfig, outcome: Outcome, script: Script, handlers: Any) -> None:
        self.over = gevent.event.Event()
        self._outcome, self._script = outcome, script
        self.is_push, self.push_until, self.on_push = handlers.is_push, handlers.push_until, handlers.on_push
        self.request_key, self.reply_key = handlers.request_key, handlers.reply_key
        self.runner = SessionRunner(config, self)
        self.runner.start(time.perf_counter())

    def session(self) -> Generator[Any, Any, None]:
        try:
            self._outcome.result = yield from self._script()
        except Exception as error:
            self._outcome.raised = error
        raise SystemExit

    def is_end(self, error: BaseException) -> bool:
        return isinstance(error, SystemExit)

    def report_error(self, error: BaseException, place: Any = None) -> None:
        raise error

    def on_end(self) -> None:
        self.over.set()

    def context(self) -> dict[str, Any]:
        return {}


def run_session(config: SessionConfig, outcome: Outcome, script: Script, handlers: Any) -> None:
    user = _User(config, outcome, script, handlers)
    assert user.over.wait(LONG), "the session has not ended"


def run_client(config: SessionConfig, outcome: Outcome, script: Script, handlers: Any) -> None:
    client = RawSocketClient.of(config, dict, handlers)
    generator, value, failure = script(), None, None
    try:
        while True:
            step = generator.send(value) if failure is None else generator.throw(failure)
            value = failure = None
            try:
                value = _do(client, step)
            except Exception as error:
                failure = error
    except StopIteration as end:
        outcome.result = end.value
    except Exception as error:
        outcome.raised = error
    finally:
        client.close()


def _do(client: RawSocketClient, step: Any) -> Any:
    """Do with a client what a step says."""
    arguments = {name: getattr(step, name) for name in type(step).__slots__}
    match step:
        case steps.Connect():
            return client.connect()
        case steps.Close():
            return client.close(**arguments)
        case steps.Wait():
            return client.watch(step.seconds)
        case steps.Request():
            assert arguments.pop("inflight") == 1, "a client has no pipeline"
            return client.request(arguments.pop("payload"), **arguments)
        case steps.Send():
            return client.send(arguments.pop("payload"), **arguments)
        case steps.Receive():
            assert arguments.pop("until") is None, "a client has no slots"
            return client.receive(**arguments)
        case steps.Heartbeat():
            return client.heartbeat(arguments.pop("every"), arguments.pop("payload"), **arguments)
        case steps.Call():
            return step.function(*step.args)
    methods = {steps.SendRaw: client.send_raw, steps.SendPart: client.send_part, steps.SetFraming: client.set_framing,
               steps.ShutdownWrite: client.shutdown_write, steps.Throttle: client.throttle,
               steps.StartTls: client.start_tls}  # fmt: skip
    return methods[type(step)](**arguments)


@contextlib.contextmanager
def serving(server: Server) -> Iterator[int]:
    """A server in this process: `server(sock)` serves each accepted socket in a greenlet. Yields its port."""

    def serve(sock: Any, _address: Any) -> None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server(sock)

    listener = StreamServer(("127.0.0.1", 0), serve)
    listener.start()
    try:
        yield listener.server_port
    finally:
        listener.stop(0)


def lines(sock: Any) -> Iterator[bytes]:
    """The lines of a socket without their ends, until it ends. One reader for each socket: it buffers."""
    return (line.rstrip(b"\n") for line in sock.makefile("rb"))


def echo(sock: Any) -> None:
    """Send each line back."""
    for line in lines(sock):
        sock.sendall(line + b"\n")


def silent(sock: Any) -> None:
    """Read, and send nothing."""
    while sock.recv(65536):
        pass


class Facade:
    """One of the two kinds of users."""

    def __init__(self, run: Callable[..., None]) -> None:
        self._run = run
        self.is_session = run is run_session

    def __call__(
        self,
        server: Server,
        script: Script,
        framing: Framing | None = None,
        handlers: Any = None,
        outcome: Outcome | None = None,
        **more: Any,
    ) -> Outcome:
        """Run the script and return its outcome, checked. A script that looks at its own counters gives `outcome`."""
        given = handlers if handlers is not None else _Default()
        handlers = SimpleNamespace(**{name: getattr(given, name, None) for name in dir(Handlers) if name[0] != "_"})
        outcome = outcome or Outcome()
        with serving(server) as port:
            config = _config(port, outcome, framing or Line(), handlers, **more)
            engine().deadlines.recorders.discard(outcome.recorder)  # its times stay as they came, in lists
            self._run(config, outcome, script, handlers)
        outcome.check()
        return outcome


BOTH = pytest.mark.parametrize("facade", [Facade(run_session), Facade(run_client)], ids=["session", "client"])
