"""A proxy between a real client and the server, which keeps what both say, with the times. One asyncio loop.

Rules:

- Bytes are passed on as they come; a side that stops sending has that passed on as well.
- Times are those at which the proxy has read the bytes, by the monotonic clock.
- The client speaks plain TCP with the proxy, also where the target is tls://: what is recorded is what TLS carries.
- It listens on the loopback interface only.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.errors import UsageError
from lab.recording.traffic import Connection, Piece

READ_SIZE = 65536
CONNECT_TIMEOUT_S = 10.0
LINGER_S = 2.0  # after one side has ended, for the other one: it may have more to say
CLOSE_S = 1.0
ALL = -1  # connections: as many as the client opens


@dataclass(slots=True)
class Live:
    """A connection that is being recorded."""

    begun: float = field(default_factory=time.time)
    began: float = field(default_factory=time.monotonic)
    pieces: list[Piece] = field(default_factory=list)
    closed_by: str = ""
    failure: str = ""

    def add(self, sent: bool, data: bytes) -> None:
        """Keep what one side has said."""
        self.pieces.append(Piece(time.monotonic() - self.began, sent, data))

    def recorded(self) -> Connection:
        """Return what was recorded so far."""
        return Connection(self.begun, tuple(self.pieces), self.closed_by)


@dataclass(slots=True)
class Proxy:
    """Records connections. `tls`: how the target is spoken to; None: plain TCP. `changed` is called at each event."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    tls_name: str = ""
    changed: Callable[[], None] = lambda: None
    connections: list[Live] = field(default_factory=list)
    ended: int = 0
    _stopped: bool = False
    _end: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, listen: int, limit: int, ready: Callable[[int], None]) -> None:
        """Record until `stop()`, or until `limit` connections have ended; ALL: until all that began have ended.

        `ready` gets the port. Raises UsageError if it can't be listened on.
        """
        try:
            server = await asyncio.start_server(self._accept, "127.0.0.1", listen)
        except OSError as error:
            raise UsageError(
                f"port {listen} of 127.0.0.1 can't be listened on: {_reason(error)}; give another one with --listen "
                "(0: any that is free)"
            ) from None
        ready(server.sockets[0].getsockname()[1])
        try:
            while not self._is_done(limit):
                self._end.clear()
                await self._end.wait()
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop(self) -> None:
        """End the recording."""
        self._stopped = True
        self._end.set()

    def _is_done(self, limit: int) -> bool:
        if self._stopped:
            return True
        return 0 < self.ended == len(self.connections) if limit == ALL else 0 < limit <= self.ended

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        live = Live()
        self.connections.append(live)
        self.changed()
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._relay(live, reader, writer)
        finally:
            self._tasks.discard(task)
            await _closed(writer)
            self.ended += 1
            self._end.set()
            self.changed()

    async def _relay(self, live: Live, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = self.tls_name or self.host
        try:
            connecting = asyncio.open_connection(
                self.host, self.port, ssl=self.tls, server_hostname=name if self.tls else None
            )
            of_server, to_server = await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            live.failure = _reason(error)
            return
        pumps = [
            asyncio.create_task(self._pump(live, True, reader, to_server)),
            asyncio.create_task(self._pump(live, False, of_server, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            seen = -1
            while seen < len(live.pieces) and not all(pump.done() for pump in pumps):
                seen = len(live.pieces)
                await asyncio.wait(pumps, timeout=LINGER_S)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await _closed(to_server)

    async def _pump(self, live: Live, sent: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one side says until it ends."""
        try:
            while data := await reader.read(READ_SIZE):
                live.add(sent, data)
                writer.write(data)
                self.changed()
                await writer.drain()
            if writer.can_write_eof():  # TLS has no such end: the connection is closed once the server is silent
                writer.write_eof()
        except (OSError, ssl.SSLError):
            writer.close()
        live.closed_by = live.closed_by or ("client" if sent else "server")


def _reason(error: Exception) -> str:
    """Return why something failed in a few words, without the number and the addresses that asyncio adds."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ssl.SSLError) or number is None or number <= 0:
        return str(error) or "no answer"
    return os.strerror(number).lower()


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and wait until that is done; a side that does not take what it was sent is given up."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), CLOSE_S)
    except (OSError, TimeoutError):
        writer.transport.abort()
