"""The proxy, on loopback: bytes pass unchanged, with their times; how it ends; TLS to the server."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable

import pytest

from lab.errors import UsageError
from lab.recording import proxy as proxy_module
from lab.recording.proxy import ALL, Proxy
from tests.support import certificates

DEADLINE_S = 60.0
Talk = Callable[[socket.socket], None]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(100_000):
            writer.write(data.upper())
            await writer.drain()
        writer.write(b"bye")
    finally:
        writer.close()


def _record(limit: int, *talks: Talk, tls: bool = False, listen: int = 0) -> Proxy:
    """Run talks one after the other with a server that answers in capitals, through a proxy; stop it if it has no
    limit.
    """

    async def run() -> Proxy:
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.server())
        server = await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=context)
        client = ssl.create_default_context(cafile=certificates.authority().ca) if tls else None
        proxy = Proxy("127.0.0.1", server.sockets[0].getsockname()[1], client, "localhost" if tls else "")

        def ready(port: int) -> None:
            threading.Thread(target=talk, args=(port, asyncio.get_running_loop()), daemon=True).start()

        def talk(port: int, loop: asyncio.AbstractEventLoop) -> None:
            for each in talks:
                with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as connection:
                    each(connection)
            if not limit:
                loop.call_soon_threadsafe(proxy.stop)

        try:
            await asyncio.wait_for(proxy.run(listen, limit, ready), DEADLINE_S)
        finally:
            server.close()
            await server.wait_closed()
        return proxy

    return asyncio.run(run())


def _hello(connection: socket.socket) -> None:
    connection.sendall(b"hello")
    assert connection.recv(100) == b"HELLO"


def _until_end(connection: socket.socket) -> None:
    _hello(connection)
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(100) == b"bye"
    assert connection.recv(100) == b""


def _much(connection: socket.socket) -> None:
    size = 3_000_000
    threading.Thread(target=connection.sendall, args=(b"x" * size,)).start()
    while size:
        size -= len(connection.recv(100_000))


def test_both_directions_are_recorded_and_a_side_may_end_first() -> None:
    (live,) = _record(ALL, _until_end).connections
    recorded = live.recorded()
    assert [(piece.sent, piece.data) for piece in recorded.pieces] == [
        (True, b"hello"),
        (False, b"HELLO"),
        (False, b"bye"),
    ]
    assert recorded.closed_by == "client"
    times = [piece.at for piece in recorded.pieces]
    assert times == sorted(times)
    assert times[0] >= 0


def test_ends_after_so_many_connections() -> None:
    assert len(_record(2, _hello, _until_end).connections) == 2


def test_ends_when_it_is_stopped() -> None:
    assert [each.recorded().stream(sent=True) for each in _record(0, _hello).connections] == [b"hello"]


def test_much_data_passes() -> None:
    (live,) = _record(1, _much).connections
    assert live.recorded().stream(sent=False).startswith(b"X" * 3_000_000)


def test_server_is_spoken_to_with_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "LINGER_S", 0.01)
    (live,) = _record(1, _hello, tls=True).connections
    assert not live.failure
    assert live.recorded().stream(sent=False) == b"HELLO"


def test_server_that_is_not_there() -> None:
    async def run() -> Proxy:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        proxy = Proxy("127.0.0.1", port)
        await asyncio.wait_for(proxy.run(0, 1, lambda port: socket.create_connection(("127.0.0.1", port)).close()), 60)
        return proxy

    (live,) = asyncio.run(run()).connections
    assert live.failure == "connection refused"
    assert live.recorded().pieces == ()


def test_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = f"port {port} of 127.0.0.1 can't be listened on: address already in use; give another one with --l"
        with pytest.raises(UsageError, match=message):
            _record(1, listen=port)


def test_client_that_has_gone_is_noticed_though_the_server_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "LINGER_S", 0.01)

    async def stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await gone.wait()
        writer.close()

    gone = asyncio.Event()

    async def run() -> Proxy:
        server = await asyncio.start_server(stay, "127.0.0.1", 0)
        proxy = Proxy("127.0.0.1", server.sockets[0].getsockname()[1])
        await asyncio.wait_for(proxy.run(0, 1, lambda port: socket.create_connection(("127.0.0.1", port)).close()), 60)
        gone.set()
        await asyncio.sleep(0)  # the server's side is closed
        server.close()
        await server.wait_closed()
        return proxy

    assert asyncio.run(run()).ended == 1
