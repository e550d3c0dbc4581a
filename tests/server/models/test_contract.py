"""What each model promises, tested on a real process of each that promises it; and that nothing is left unsaid."""

from __future__ import annotations

import fcntl
import signal
import socket
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from time import monotonic

import pytest

from server.models import MODELS
from server.models.base import Model, Promise, load
from tests.support.server_process import ServerProcess, running_server
from tests.support.several import came_in, pids, standing_still, state
from tests.support.sockets import (
    ask,
    connect,
    connections,
    eventually,
    fill_for_good,
    read_exactly,
    read_line,
    read_to_end,
    refuses,
)

GREETING = b"Hello from server!\n"
FULL = b"ERR server full\n"
MESSAGE = b"x" * 999 + b"\n"

IN = 'bytes_total{direction="in"}'
OUT = 'bytes_total{direction="out"}'


#: One server each: a model, and how many processes share the connections where that is not for the model to say.
SERVERS = (*MODELS, "select x3")


def model_of(server: str) -> type[Model]:
    """Return the model of one of SERVERS."""
    return load(server.partition(" x")[0])


def flags(server: str) -> tuple[str, ...]:
    """Return the flags that one of SERVERS is begun with."""
    name, _, processes = server.partition(" x")
    return ("--model", name, "--processes", processes) if processes else ("--model", name)


def promises(*made: Promise) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run the test with every server whose model makes these promises."""
    models = [server for server in SERVERS if model_of(server).promises >= set(made)]

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        marked: Callable[..., None] = pytest.mark.parametrize("model", models, scope="module")(test)
        TESTED.update(made)
        return marked

    return mark


TESTED: set[Promise] = set()


@pytest.fixture(scope="module")
def server(model: str) -> Iterator[ServerProcess]:
    """A server with its defaults, shared by the tests that leave it as it was."""
    with running_server(*flags(model)) as running:
        yield running


@pytest.fixture(scope="module")
def echo(model: str) -> Iterator[ServerProcess]:
    """An echo server, shared by the tests that leave it as it was."""
    with running_server(*flags(model), "--app", "echo") as running:
        yield running


def when_empty(server: ServerProcess) -> dict[str, float]:
    """Return the metrics when nobody is connected: what is counted for others, earlier, is in them."""
    return server.wait_for_metrics(lambda metrics: metrics["connections"] == 0)


# Nothing is left unsaid


@pytest.mark.parametrize("name", MODELS)
def test_each_promise_is_made_or_excepted_with_a_reason(name: str) -> None:
    model = load(name)
    assert model.promises | model.exceptions.keys() == set(Promise)
    assert not model.promises & model.exceptions.keys()
    assert all(model.exceptions.values())


def test_each_promise_has_a_test() -> None:
    assert set(Promise) == TESTED


# The promises


@promises(Promise.ANSWERS)
def test_a_message_gets_the_greeting(server: ServerProcess) -> None:
    with connect(server.port) as client:
        assert ask(client, b"hello\n") == GREETING


@promises(Promise.ANSWERS)
def test_a_message_is_echoed(echo: ServerProcess) -> None:
    with connect(echo.port) as client:
        assert ask(client, b"one of a kind\r\n") == b"one of a kind\r\n"


@promises(Promise.ONCE)
def test_a_message_gets_one_reply_and_nothing_more(echo: ServerProcess) -> None:
    before = when_empty(echo)
    with connect(echo.port) as client:
        assert ask(client, b"12345\n") == b"12345\n"
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == b""
    after = when_empty(echo)
    assert after["replies_total"] - before["replies_total"] == 1
    assert after[OUT] - before[OUT] == 6


@promises(Promise.MANY, Promise.ONCE)
def test_the_tutorials_client_works_against_chunk_framing(model: str) -> None:
    """20 sockets opened first, then used in turn: a send without newline, a recv(1024) for the reply."""
    with (
        running_server(*flags(model), "--framing", "chunk", "--app", "hello") as server,
        connections(server.port, 20) as sockets,
    ):
        for number, client in enumerate(sockets):
            client.sendall(f"hello from client number {number}".encode())
            assert client.recv(1024) == b"Hello from server!"


@promises(Promise.STOPS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_although_a_client_is_silent(model: str, number: int) -> None:
    with running_server(*flags(model)) as server, connect(server.port) as client:
        server.wait_for_metrics(lambda metrics: metrics["connections"] == 1)
        server.signal(number)
        assert server.exit_code() == 0
        assert read_to_end(client) == b""
        assert not any("Traceback" in line for line in server.lines)


@promises(Promise.REPORTS)
def test_the_metrics_add_up(model: str) -> None:
    with running_server(*flags(model), "--app", "echo") as server:
        assert server.get("/healthz") == (200, "ok\n")
        for _ in range(3):
            with connect(server.port) as client:
                ask(client, b"12345\n")
        metrics = server.wait_for_metrics(lambda metrics: metrics["connections"] == 0)
        assert metrics["accepted_total"] == metrics["messages_total"] == 3
        assert metrics["replies_total"] >= 3
        assert metrics[OUT] >= metrics[IN] == 18
        closed = sum(value for name, value in metrics.items() if name.startswith("closed_total"))
        assert closed == 3
        assert metrics["refused_total"] == metrics["accept_errors_total"] == 0
        assert metrics["loop_turns_total"] > 0
        assert metrics["process_cpu_seconds_total"] > 0


@promises(Promise.HOLDS)
def test_a_connection_carries_any_number_of_messages(echo: ServerProcess) -> None:
    with connect(echo.port) as client:
        for number in range(100):
            assert ask(client, b"message %d\n" % number) == b"message %d\n" % number


@promises(Promise.MANY)
def test_the_last_connection_is_answered_while_the_others_are_silent(server: ServerProcess) -> None:
    with connections(server.port, 50) as sockets:
        assert ask(sockets[-1], b"hello\n") == GREETING


@promises(Promise.QUIET)
def test_silent_connections_cost_nothing(model: str, server: ServerProcess) -> None:
    with connect(server.port) as client:
        assert_quiet(model, server, client)


def assert_quiet(model: str, server: ServerProcess, client: socket.socket) -> None:
    """Nothing comes to `client`, and a model that promises so does not spin meanwhile."""
    began, turns = monotonic(), server.metrics()["loop_turns_total"]
    assert_silent(model, server, client)
    turns = server.metrics()["loop_turns_total"] - turns
    if Promise.QUIET in model_of(model).promises:
        assert turns <= 5 + 5 * (monotonic() - began)  # Each process looks at its clock once a second.


def assert_silent(model: str, server: ServerProcess, client: socket.socket) -> None:
    """The same, but not all that spins is found: on a busy machine it may not have had the time."""
    before = server.cpu_seconds()
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(1)
    if Promise.QUIET in model_of(model).promises:
        assert server.cpu_seconds() - before < 0.2
    client.settimeout(30)


@promises(Promise.FRAMES)
def test_messages_are_found_byte_by_byte_and_many_at_once(echo: ServerProcess) -> None:
    with connect(echo.port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"slow":
            client.sendall(bytes([byte]))
        client.sendall(b"\none\n\ntwo\nthr")
        assert read_exactly(client, 14) == b"slow\none\n\ntwo\n"
        assert ask(client, b"ee\n") == b"three\n"


@promises(Promise.HALF_CLOSE)
def test_replies_reach_a_client_that_has_ended_its_input(echo: ServerProcess) -> None:
    before = when_empty(echo)
    with connect(echo.port) as client:
        payload = b"".join(b"%06d\n" % number for number in range(100_000))
        client.settimeout(0)
        unsent, received = memoryview(payload), bytearray()
        while unsent:  # Both ways at once, or both sides would wait for the other to read.
            unsent = unsent[_send(client, unsent) :]
            received += _receive(client)
        client.settimeout(30)
        client.sendall(b"unfinished")
        client.shutdown(socket.SHUT_WR)
        assert bytes(received) + read_to_end(client) == payload
    after = when_empty(echo)
    for name, count in (("unfinished_total", 1), ("messages_total", 100_000), ('closed_total{reason="client"}', 1)):
        assert after[name] - before[name] == count, name


def _send(client: socket.socket, data: memoryview) -> int:
    try:
        return client.send(data)
    except BlockingIOError:
        return 0


def _receive(client: socket.socket) -> bytes:
    try:
        return client.recv(65536)
    except BlockingIOError:
        return b""


@promises(Promise.CAP)
def test_connections_over_the_cap_are_refused_with_a_line(model: str) -> None:
    with (
        running_server(*flags(model), "--max-connections", "5") as server,
        connections(server.port, 5) as held,
        connections(server.port, 40) as newcomers,
    ):
        for client in newcomers:
            client.sendall(b"a message that is on its way already\n")
        for client in newcomers:
            assert read_to_end(client) == FULL
        assert all(ask(client, b"hello\n") == GREETING for client in held)
        assert server.get("/healthz")[0] == 200
        metrics = server.metrics()
        assert metrics["connections"] == metrics["accepted_total"] == metrics["max_connections"] == 5
        assert metrics["refused_total"] == 40


@promises(Promise.CAP)
def test_each_crossing_of_the_cap_is_one_log_line_and_a_connection_after_one_has_left_is_admitted(model: str) -> None:
    with running_server(*flags(model), "--max-connections", "2") as server, ExitStack() as stack:
        leaver = connect(server.port)
        stayer = stack.enter_context(connect(server.port))
        server.wait_for_line("at the cap of 2 connections: new connections are refused")
        for _ in range(3):
            with connect(server.port) as refused:
                assert read_to_end(refused) == FULL
        leaver.close()
        server.wait_for_line("below the cap again: 1 connections of 2")
        with connect(server.port) as newcomer:
            assert ask(newcomer, b"hello\n") == ask(stayer, b"hello\n") == GREETING
        assert sum("new connections are refused" in line for line in server.lines) <= 2
        assert server.stop() == 0


@promises(Promise.CAP)
def test_connections_over_the_cap_wait_in_the_backlog_with_at_cap_wait(model: str) -> None:
    with (
        running_server(*flags(model), "--max-connections", "2", "--at-cap", "wait") as server,
        connections(server.port, 2) as held,
        connect(server.port) as newcomer,
    ):
        newcomer.sendall(b"hello\n")
        server.wait_for_line("at the cap of 2 connections: new connections wait")
        assert all(ask(client, b"hello\n") == GREETING for client in held)
        assert server.metrics()["accepted_total"] == 2
        assert_quiet(model, server, newcomer)
        held[0].close()
        assert read_line(newcomer) == GREETING
        assert server.metrics()["refused_total"] == 0


@promises(Promise.BOUNDS)
def test_a_message_that_is_too_long_gets_its_error_line_although_more_is_coming(echo: ServerProcess) -> None:
    before = when_empty(echo)
    with connect(echo.port) as client:
        with suppress(ConnectionError):  # If this process was kept from sending for as long as the server lingers.
            client.sendall(b"fine\n" + b"x" * 10_000_000 + b"\n")
        assert read_to_end(client) == b"fine\nERR message too long\n"
    after = when_empty(echo)
    for name in ("messages_total", 'closed_total{reason="too-long"}'):
        assert after[name] - before[name] == 1, name


@promises(Promise.BOUNDS)
def test_a_message_that_takes_too_long_gets_its_error_line(model: str) -> None:
    with (
        running_server(*flags(model), "--message-timeout", "0.2") as server,
        connect(server.port) as silent,
        connect(server.port) as slow,
    ):
        assert ask(slow, b"in time\n") == GREETING
        slow.settimeout(0.1)
        received = b""
        while not received:
            slow.sendall(b"x")  # Never idle, never done.
            try:
                received = slow.recv(100)
            except TimeoutError:
                continue
        assert received == b"ERR message timeout\n"
        assert ask(silent, b"hello\n") == GREETING  # No message was begun, so none was late.
        assert server.metrics()["messages_total"] == 2
        slow.close()
        server.wait_for_metrics(lambda metrics: metrics['closed_total{reason="message-timeout"}'] == 1)


@promises(Promise.HALF_CLOSE, Promise.BOUNDS)
def test_a_message_cut_off_by_the_end_of_input_is_not_late(model: str) -> None:
    with (
        running_server(*flags(model), "--app", "echo", "--message-timeout", "0.2") as server,
        connect(server.port) as slow,
        socket.socket() as client,
    ):
        client.settimeout(30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((server.host, server.port))
        sent = until_replies_wait(server, client, slow)
        client.sendall(b"unfinished")
        client.shutdown(socket.SHUT_WR)
        assert ask(slow, b"x") == b"ERR message timeout\n"  # So the time of others has been looked at, too.
        assert read_to_end(client) == MESSAGE * (sent // len(MESSAGE))
        metrics = server.wait_for_metrics(lambda metrics: metrics['closed_total{reason="client"}'] == 1)
        assert metrics["unfinished_total"] == 1


def until_replies_wait(server: ServerProcess, client: socket.socket, other: socket.socket) -> int:
    """Send without reading until replies wait in the server, but so few that it reads on; return the bytes sent."""
    sent = 0
    while owed(server) < len(MESSAGE):
        client.sendall(MESSAGE * 10)
        sent += 10 * len(MESSAGE)
        for _ in range(2):
            ask(other, b"hello\n")  # The turn in which it took what was sent is over.
    return sent


def owed(server: ServerProcess) -> float:
    """Return how many bytes an echo server has yet to send."""
    metrics = server.metrics()
    return metrics[IN] - metrics[OUT]


@promises(Promise.IDLE)
def test_a_silent_connection_is_closed(model: str) -> None:
    with running_server(*flags(model), "--idle-timeout", "0.2") as server, connect(server.port) as client:
        assert read_to_end(client) == b""
        assert server.metrics()['closed_total{reason="idle"}'] == 1


@promises(Promise.IDLE)
def test_the_time_that_an_answer_takes_is_not_idle_time(model: str) -> None:
    with running_server(*flags(model), "--block-ms", "1000", "--idle-timeout", "0.9") as server:
        while (heard := heard_after_reply(server, within=1.9)) is None:
            pass
        assert heard


def heard_after_reply(server: ServerProcess, within: float) -> bool | None:
    """Return whether the server still listens to a client that has just had its reply.

    None: this process was not given the time to ask once and say more `within` seconds.
    """
    before = server.metrics()[IN]
    with connect(server.port) as client, suppress(OSError):
        began = monotonic()
        ask(client, b"hello\n")
        client.sendall(b"x")
        if monotonic() - began >= within:
            return None
        after = server.wait_for_metrics(lambda metrics: metrics[IN] == before + 7 or metrics["connections"] == 0)
        return after[IN] == before + 7
    return None


@promises(Promise.MEMORY)
def test_a_client_that_never_reads_costs_bounded_memory(model: str, server: ServerProcess) -> None:
    with connect(server.port) as client, connect(server.port) as other:
        ask(other, b"warm up\n")
        before = memory(server)
        fill_for_good(client, b"\n" * 65536, partial(came_in, server))
        assert ask(other, b"hello\n") == GREETING
        assert memory(server) - before < 20_000_000
        assert_quiet(model, server, other)  # Paused, not polled.


def memory(server: ServerProcess) -> float:
    metrics = server.metrics()
    of_each = [value for name, value in metrics.items() if name.startswith("process_memory_bytes{")]
    return sum(of_each) or metrics["process_resident_memory_bytes"]


@promises(Promise.DESCRIPTORS)
def test_out_of_descriptors_new_connections_are_refused_and_nothing_spins(model: str) -> None:
    with running_server(*flags(model)) as server, connect(server.port) as old, ExitStack() as stack:
        ask(old, b"hello\n")
        if Promise.QUIET in model_of(model).promises:
            eventually(lambda: state(server.process.pid) == "S", "it waits, and has let go of what it handed on")
        server.limit_descriptors(server.open_descriptors())  # No admin request yet: these are all in use for good.
        newcomers = [stack.enter_context(connect(server.port)) for _ in range(5)]
        for client in newcomers:
            assert read_to_end(client) == FULL
            client.close()
        assert ask(old, b"hello\n") == GREETING
        assert_silent(model, server, old)
        server.wait_for_line("Too many open files")
        assert said(server, "Too many open files") <= 1 + said(server, "suffice again")  # Slowly, it is once more.
        server.limit_descriptors(500)
        if Promise.QUIET in model_of(model).promises:
            assert server.metrics()["loop_turns_total"] < 500
        # The first may come while the server is giving up its spare descriptor for nobody (busy asks all the time).
        answers = [ask(stack.enter_context(connect(server.port)), b"hello\n") for _ in range(2)]
        assert answers[-1] == GREETING
        assert server.metrics()["accept_errors_total"] >= 5


def said(server: ServerProcess, counts: str) -> int:
    """Return how many lines of its log have these counts in them."""
    return sum(counts in line for line in server.lines)


@promises(Promise.DRAINS)
def test_pending_replies_are_delivered_after_sigterm(model: str) -> None:
    with running_server(*flags(model), "--app", "echo", "--drain-timeout", "25") as server, ExitStack() as stack:
        idle = stack.enter_context(connect(server.port))
        patient = stack.enter_context(connect(server.port))
        taken = fill_for_good(patient, MESSAGE, partial(came_in, server))
        begin_to_drain(server)
        assert read_to_end(idle) == b""
        if not model_of(model).preforks:
            server.wait_for_line(
                "stopping: [01] connections closed, 1 still draining"
            )  # A process knows of its own only.
        eventually(lambda: refuses(server.port), "nobody is let in any more")
        replies = read_to_end(patient)
        assert replies == MESSAGE * (len(replies) // len(MESSAGE))
        assert 0 < len(replies) <= taken
        patient.close()
        assert server.exit_code() == 0


@promises(Promise.DRAINS)
def test_an_unfinished_message_may_be_completed_after_sigterm(model: str) -> None:
    with running_server(*flags(model), "--drain-timeout", "25") as server, connect(server.port) as client:
        client.sendall(b"hel")
        server.wait_for_metrics(lambda metrics: metrics[IN] == 3)
        begin_to_drain(server)
        client.sendall(b"lo\n")
        assert read_to_end(client) == GREETING
        client.close()
        assert server.exit_code() == 0


@promises(Promise.DRAINS)
def test_input_that_arrived_before_sigterm_is_answered_and_an_unfinished_message_may_be_completed(model: str) -> None:
    messages = b"".join(b"%09d\n" % number for number in range(4000))  # More than two recvs.
    with (
        running_server(*flags(model), "--app", "echo", "--drain-timeout", "25") as server,
        connect(server.port) as client,
    ):
        ask(client, b"let in\n")
        with ExitStack() as standing:
            below = pids(server).values()
            for pid in below:
                standing.enter_context(standing_still(pid))
            with standing_still(server.process.pid):
                client.sendall(messages + b"beg")
                eventually(lambda: not on_their_way(client), "all of it has arrived")
                server.signal()
            if below:
                eventually(lambda: _drains(server), "/healthz says that it drains")
        assert read_exactly(client, len(messages)) == messages
        assert ask(client, b"un\n") == b"begun\n"
        assert read_to_end(client) == b""
        client.close()
        assert server.exit_code() == 0


def on_their_way(client: socket.socket) -> int:
    """Return how many bytes of what was sent the kernel at the other end has not acknowledged."""
    return int(struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, b"1234"))[0])


@promises(Promise.DRAINS)
@pytest.mark.parametrize("again", [True, False], ids=["second signal", "time is over"])
def test_a_connection_that_does_not_drain_in_time_is_cut(model: str, again: bool) -> None:
    patience = "600" if again else "0.2"
    with running_server(*flags(model), "--drain-timeout", patience) as server, connect(server.port) as client:
        client.sendall(b"never finished")
        server.wait_for_metrics(lambda metrics: metrics[IN] == 14)
        if again:
            begin_to_drain(server)
        server.signal()
        assert read_to_end(client) == b""
        assert server.exit_code() == 0, server.lines
        assert model_of(model).preforks or any("stopping: 1 connections cut" in line for line in server.lines)


def begin_to_drain(server: ServerProcess) -> None:
    server.signal()
    eventually(lambda: _drains(server), "/healthz says that it drains")


def _drains(server: ServerProcess) -> bool:
    try:
        return server.get("/healthz") == (503, "draining\n")
    except OSError:
        return False


@promises(Promise.BEYOND_1024)
def test_1500_connections_at_once_are_held_and_answered(server: ServerProcess) -> None:
    with connections(server.port, 1500) as sockets:
        for number, client in enumerate(sockets):
            client.sendall(b"hello %d\n" % number)
        assert all(read_line(client) == GREETING for client in sockets)
