"""One admitted peer: what it sent that is not yet a message, what it has not yet taken of its replies, its deadlines.

Strategy: the loop calls `on_readable` and `on_writable` when the kernel says so, and `sweep` once a second. A
connection acts at once (a reply goes out in the turn its message came in) and tells its host only when what it waits
for has changed. No selector here. Nearly always it owes nothing, nothing is unfinished, and what comes is whole
messages: such a connection is `_usual`, has neither inbox nor outbox, and takes the short way. Rules:

- What a short write left over is kept, and writability is asked for only while something is left.
- Over `HIGH_MARK` of waiting output nothing more is read, until it is below `LOW_MARK`: a peer that never reads costs
  one high mark and the replies of one recv, never more. It is ended by TCP_USER_TIMEOUT (see `listener`), and by the
  idle time if one is set.
- End of input: replies are finished, then the socket is closed. It is out of the read set from then on, or it would be
  reported for ever.
- Silence begins when the server is done with what came, not when its turn began: how long an answer takes is not the
  peer's doing.
- A connection that the server ends while its peer may still be sending lingers: writing is shut down, input is read
  and thrown away, until the peer closes, is silent for `LINGER_SILENCE`, or `LINGER_SECONDS` are over. Closing with
  input unread makes the kernel send a reset, which may destroy the last line on its way.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from server import protocol
from server.monitoring.counters import BYTES_IN, BYTES_OUT, MESSAGES, REPLIES, Counters, Words
from server.monitoring.log import EXCERPT, LogRing
from server.system.errnos import PEER_GONE, PEER_LOST

#: Bytes of waiting output over which reading pauses, and below which it resumes. One is about what a socket buffer
#: takes at first; the gap between them keeps a slow reader from switching the loop's interest with each reply.
HIGH_MARK = 65_536
LOW_MARK = 16_384

#: How long the input of a connection that is on its way out is thrown away: while it comes, but not for ever (nginx's
#: lingering_timeout and lingering_time are 5 and 30 s; here the place under the cap is worth more).
LINGER_SILENCE = 2.0
LINGER_SECONDS = 30.0

NEVER = float("inf")


class Host(Protocol):
    """What a connection needs of the loop that holds it. Times are monotonic seconds."""

    now: float
    draining: bool
    counters: Counters
    words: Words
    log: LogRing
    tracing: bool
    first_size: int
    receive_size: int
    idle_timeout: float
    message_timeout: float
    answer: protocol.Answer
    reply: protocol.Reply
    new_decoder: Callable[[], protocol.Decoder]

    def interest_changed(self, connection: Connection) -> None:
        """Look at `readable()` and `writable()` again."""
        ...

    def mind(self, connection: Connection) -> None:
        """Call `sweep` once a second from now on, as long as it says that it has a deadline."""
        ...

    def closed(self, connection: Connection, reason: str) -> None:
        """Forget the connection; its socket is still open at this moment."""
        ...


class Connection:
    """One peer. `reason` is why it is being ended, None while it is kept; `open` is false after the end.

    `peer` is its address, kept only where every connection is logged.
    """

    __slots__ = (
        "_active_at",
        "_closes_at",
        "_ended",
        "_host",
        "_message_at",
        "_outbox",
        "_paused",
        "_sock",
        "_unfinished",
        "_usual",
        "fd",
        "open",
        "peer",
        "reason",
    )

    def __init__(self, host: Host, sock: socket.socket, peer: object) -> None:
        self._host = host
        self._sock = sock
        self._unfinished: protocol.Decoder | None = None
        self._outbox: bytearray | None = None
        # Kept up only for those who will ask: with an idle time, and while it lingers. A time is 24 bytes.
        self._active_at = monotonic() if host.idle_timeout else 0.0
        self._message_at = NEVER
        self._closes_at = NEVER
        self._paused = False
        self._ended = False
        self._usual = not (host.tracing or host.draining)
        self.fd = sock.fileno()
        self.peer = peer if host.tracing else None
        self.open = True
        self.reason: str | None = None

    def readable(self) -> bool:
        """Whether input is wanted: not after its end, and not while the peer leaves too many replies untaken."""
        return not (self._ended or self._paused)

    def writable(self) -> bool:
        """Whether writability is wanted: only while output waits, for a socket is nearly always writable."""
        return self._outbox is not None

    # What the loop calls

    def on_readable(self) -> None:
        """Take what has arrived and answer the messages in it."""
        host = self._host
        try:
            data = self._sock.recv(host.first_size)
            if len(data) == host.first_size:
                data = self._and_more(data)
        except OSError as problem:
            self._failed(problem)
            return
        if self._usual and (answered := host.answer(data)):
            words = host.words
            words[BYTES_IN] += len(data)
            count, output = answered
            words[MESSAGES] += count
            words[REPLIES] += count
            self._send(output)
        elif data:
            self._take(data, host.draining)
        else:
            self._end_of_input()
        if host.idle_timeout:
            self._active_at = monotonic()

    def on_writable(self) -> None:
        """Send what waits."""
        outbox = self._outbox
        if outbox is None:
            return  # Reported in the same turn that sent the rest.
        try:
            sent = self._sock.send(outbox)
        except OSError as problem:
            self._failed(problem)
            return
        del outbox[:sent]
        self._host.words[BYTES_OUT] += sent
        self._active_at = monotonic()
        if not outbox:
            self._all_sent()
        elif self._paused and len(outbox) <= LOW_MARK:
            self._resume()

    def has_deadline(self) -> bool:
        """Whether there is one beside the idle time, which all have or none."""
        return self._message_at != NEVER or self._closes_at != NEVER

    def sweep(self, now: float) -> None:
        """End the connection if one of its deadlines has passed. Called once a second, so up to a second late."""
        host = self._host
        if self._lingered(now):
            self.close(self.reason or "cut")
        elif self.reason is None and host.message_timeout and self._message_age(now) >= host.message_timeout:
            self.end("message-timeout", protocol.TIMED_OUT)
        elif host.idle_timeout and now - self._active_at >= host.idle_timeout:
            self.close(self.reason or "idle")

    def drain(self) -> None:
        """Begin no new message: answer what has arrived, let one that is begun be finished, and then end.

        Who owes nothing and is owed nothing is closed at once. Called when the host has begun to drain.
        """
        self._usual = False
        taken = self._take_all()
        begun = self._unfinished is not None and not self._paused
        if not self.open or self._ended or self.reason is not None or begun:
            return
        if taken or self._outbox:
            self.end("drain")
        else:
            self.close("drain")

    def end(self, reason: str, line: bytes = b"") -> None:
        """Say `line`, listen no more, and close when it has arrived."""
        if not self.open:
            return
        self.reason = reason
        self._usual = False
        self._unfinished = None
        self._message_at = NEVER
        self._paused = False
        if line:
            self._linger()  # A line for one who does not read is not waited for.
            self._send(line)
        if self.open and self._outbox is None:
            self._all_sent()
        elif self.open:
            self._host.interest_changed(self)

    def cut(self) -> None:
        """Close at once because the server can't wait longer; who has had everything keeps the reason it ends for."""
        self.close("cut" if self._outbox or self.reason is None else self.reason)

    def close(self, reason: str) -> None:
        """Close at once, whatever is owed; a second call does nothing."""
        if not self.open:
            return
        self.open = False
        self._host.closed(self, reason)
        self._sock.close()

    # How it is done

    def _and_more(self, data: bytes) -> bytes:
        if self._host.receive_size > len(data):
            with suppress(BlockingIOError):
                data += self._sock.recv(self._host.receive_size)
        return data

    def _take_all(self) -> int:
        """Take what has arrived, and return how many bytes; not many more than `HIGH_MARK`, for some go on and on."""
        taken = 0
        while self.open and self.reason is None and self.readable() and taken < HIGH_MARK:
            try:
                data = self._sock.recv(self._host.receive_size)
            except OSError as problem:
                self._failed(problem)
                break
            if data:
                self._take(data)
            else:
                self._end_of_input()
            taken += len(data)
        return taken

    def _take(self, data: bytes, last: bool = False) -> None:
        """The long way of input: what is not whole messages, or comes at a time that is not like any other.

        `last`: a message that it completes is the last one.
        """
        host = self._host
        host.words[BYTES_IN] += len(data)
        if host.tracing:
            host.log.debug("getting data: %r", data[:EXCERPT])
        if self.reason is not None:
            self._active_at = monotonic()
            return  # On its way out: its input is read, so that no reset follows, and means nothing.
        decoder = self._unfinished or host.new_decoder()
        try:
            messages = decoder.feed(data)
        except protocol.TooLong as problem:
            self._answer(problem.messages)
            self.end("too-long", protocol.TOO_LONG)
            return
        self._unfinished = decoder if decoder.inbox else None
        if self._unfinished is None:
            self._message_at = NEVER
        elif messages or self._message_at == NEVER:
            self._message_at = host.now
            host.mind(self)
        self._answer(messages)
        if messages and last:
            self.end("drain")
        self._review()

    def _answer(self, messages: list[bytes]) -> None:
        if messages:
            words = self._host.words
            words[MESSAGES] += len(messages)
            words[REPLIES] += len(messages)
            self._send(b"".join(map(self._host.reply, messages)))

    def _send(self, output: bytes) -> None:
        outbox = self._outbox
        if outbox is None:
            try:
                sent = self._sock.send(output)
            except BlockingIOError:
                sent = 0
            except OSError as problem:
                self._failed(problem)
                return
            self._host.words[BYTES_OUT] += sent
            if sent == len(output):
                return
            outbox = self._outbox = bytearray()
            output = output[sent:]
            self._usual = False
        outbox += output
        # While the connection lingers, input is thrown away and adds no output.
        self._paused = len(outbox) > HIGH_MARK and self.reason is None
        self._host.interest_changed(self)

    def _review(self) -> None:
        host = self._host
        owes_nothing = self._outbox is None and self._unfinished is None and self.reason is None
        self._usual = owes_nothing and not (self._ended or host.tracing or host.draining)

    def _resume(self) -> None:
        self._paused = False
        if self._unfinished is not None:
            self._message_at = self._host.now  # The peer is not blamed for the time in which nobody read.
        self._host.interest_changed(self)

    def _all_sent(self) -> None:
        self._outbox = None
        if self._ended:
            self.close(self.reason or "client")
            return
        if self.reason is not None:
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError as problem:
                self._failed(problem)
                return
            self._linger()
        self._review()
        if self._paused:
            self._resume()
        else:
            self._host.interest_changed(self)

    def _end_of_input(self) -> None:
        self._ended = True
        if self._unfinished is not None:
            self._host.counters.unfinished += 1
            self._unfinished = None
            self._message_at = NEVER
        if self._outbox is None:
            self.close(self.reason or "client")
        else:
            self._host.interest_changed(self)

    def _linger(self) -> None:
        self._active_at = monotonic()
        self._closes_at = self._host.now + LINGER_SECONDS
        self._host.mind(self)

    def _lingered(self, now: float) -> bool:
        return self._closes_at != NEVER and (now >= self._closes_at or now - self._active_at >= LINGER_SILENCE)

    def _message_age(self, now: float) -> float:
        return 0.0 if self._paused else now - self._message_at

    def _failed(self, problem: OSError) -> None:
        if isinstance(problem, BlockingIOError):
            return
        if problem.errno in PEER_GONE:
            self.close(self.reason or "reset")
        elif problem.errno in PEER_LOST:
            self.close(self.reason or "timed-out")
        else:
            self._host.log.error("connection of %s failed: %s", self.peer or _peer_of(self._sock), problem)
            self.close("failed")


def _peer_of(sock: socket.socket) -> object:
    try:
        return sock.getpeername()
    except OSError:
        return "a peer that has gone"
