"""TCP segments become the streams of connections again. Pure.

Strategy: each direction keeps the position of its next byte. A segment at it is delivered, what overlaps with delivered
bytes is cut off (a retransmission), and what lies ahead waits until the gap is filled. A gap that is never filled (the
capture has missed a packet) is skipped at the end: the bytes behind it would be lost otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.recording.traffic import Connection, Piece

Address = tuple[str, int]
SEQUENCE = 1 << 32  # sequence numbers begin again at 0 after so many bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment: when it was captured (UTC seconds since 1970), between which ends, and what is in it."""

    at: float
    source: Address
    target: Address
    number: int  # sequence number of its first byte
    data: bytes = b""
    syn: bool = False
    ack: bool = False
    fin: bool = False
    rst: bool = False


@dataclass(slots=True)
class Stream:
    """One direction of a connection. `missed`: bytes that were never captured."""

    position: int = -1  # of the next byte: its sequence number, which is not reset at 2**32; -1: nothing was seen
    ahead: dict[int, bytes] = field(default_factory=dict)
    missed: int = 0

    def add(self, segment: Segment) -> bytes:
        """Return the bytes that can be delivered now."""
        if segment.syn or self.position < 0:
            self.position = segment.number + segment.syn
        distance = (segment.number + segment.syn - self.position) % SEQUENCE
        at = self.position + (distance if distance < SEQUENCE // 2 else distance - SEQUENCE)
        if len(segment.data) > len(self.ahead.get(at, b"")):
            self.ahead[at] = segment.data
        return self._deliver()

    def skip_gap(self) -> bytes:
        """Return what waits behind bytes that were never captured."""
        if not self.ahead:
            return b""
        first = min(self.ahead)
        self.missed += first - self.position
        self.position = first
        return self._deliver()

    def _deliver(self) -> bytes:
        out = bytearray()
        for at in sorted(self.ahead):
            if at > self.position:
                break
            new = self.ahead.pop(at)[self.position - at :]
            out += new
            self.position += len(new)
        return bytes(out)


class Assembly:
    """One connection, from its segments in the order of the capture."""

    def __init__(self, first: Segment) -> None:
        sends = first.syn and not first.ack
        answers = first.syn and first.ack
        # Without a handshake in the capture, the server is the side with the lower port, as services have.
        self.whole = sends or answers
        self.client, self.server = first.source, first.target
        if answers or (not sends and first.source[1] < first.target[1]):
            self.client, self.server = first.target, first.source
        self.begun = first.at
        self.closed_by = ""
        self._pieces: list[Piece] = []
        self._streams = {self.client: Stream(), self.server: Stream()}

    def add(self, segment: Segment) -> None:
        """Add one of its segments."""
        self._deliver(segment, self._streams[segment.source].add(segment))
        if (segment.fin or segment.rst) and not self.closed_by:
            self.closed_by = "client" if segment.source == self.client else "server"

    def finish(self, last: Segment) -> Connection:
        """Return the connection; gaps of the capture are skipped. `last`: the last segment of the capture."""
        for source, stream in self._streams.items():
            while data := stream.skip_gap():
                self._pieces.append(Piece(last.at - self.begun, source == self.client, data))
        return Connection(self.begun, tuple(self._pieces), self.closed_by)

    @property
    def missed(self) -> int:
        """Bytes that the capture has missed."""
        return sum(stream.missed for stream in self._streams.values())

    def _deliver(self, segment: Segment, data: bytes) -> None:
        if data:
            self._pieces.append(Piece(segment.at - self.begun, segment.source == self.client, data))


def assembled(segments: Iterable[Segment]) -> list[tuple[Assembly, Connection]]:
    """Return the connections in the order in which they began; a pair of ports may be used by several in turn."""
    current: dict[frozenset[Address], Assembly] = {}
    found: list[Assembly] = []
    last = None
    for last in segments:
        ends = frozenset((last.source, last.target))
        known = current.get(ends)
        if known is None or (last.syn and not last.ack and known.closed_by):
            known = current[ends] = Assembly(last)
            found.append(known)
        known.add(last)
    return [(each, each.finish(last)) for each in found] if last else []
