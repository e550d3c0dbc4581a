"""Writes down what happens on the connection of a check, as it happens."""

import time

from rawsocket.check.diagnosis import Seen
from rawsocket.check.dialogue import (
    CAPTURE,
    CLOSED,
    FRAME,
    NOTE,
    OPEN,
    PART,
    RECEIVED,
    REST,
    SENT,
    Dialogue,
    Entry,
    turns,
)
from rawsocket.check.frame_splitter import FrameSplitter
from rawsocket.wire.framing import Framing

MOST_ENTRIES = 2000  # a server that pushes without an end


class DialogueListener:
    """Writes a dialogue. Times are of `time.perf_counter()`, in the dialogue milliseconds since the connect."""

    def __init__(self, dialogue: Dialogue, framing: Framing) -> None:
        self.dialogue = dialogue
        self._splitter = FrameSplitter(framing)
        self.framing = framing
        self._started = time.perf_counter()
        self._opened_at: float | None = None
        self._read_at = self._started  # when the last bytes arrived
        self._since = 0  # the number of entries when the step began
        self.ended = False  # whether the server has ended the connection

    @property
    def is_open(self) -> bool:
        """Whether a connection was opened."""
        return self._opened_at is not None

    # -- what the tap tells -------------------------------------------------------------------------------------

    def opened(self) -> None:
        """Note that the connection is open; its clock begins."""
        now = time.perf_counter()
        if self._opened_at is None:
            self._opened_at = now
        self.ended = False
        self._splitter = FrameSplitter(self.framing)
        self._add(OPEN, f"connected to {self.dialogue.target} in {(now - self._started) * 1000:.1f} ms")

    def sent(self, data: bytes) -> None:
        """Note what was sent. A pause may have completed a message before it."""
        self._pause()
        self._add(SENT, data=data)

    def received(self, data: bytes) -> None:
        """Note the frames that are complete now; no data: the server has ended the connection."""
        if data:
            self._read_at = time.perf_counter()
            for frame in self._splitter.feed(data):
                self._add(FRAME, data=frame)
        elif not self.ended:
            self.ended = True
            self._pause(closed=True)
            self._add_rest()
            self._add(CLOSED, "closed by the server")

    def _pause(self, closed: bool = False) -> None:
        if frame := self._splitter.pause(closed):
            self._add(FRAME, data=frame)

    # -- what the player tells ----------------------------------------------------------------------------------

    def begin(self, what: str, place: str) -> None:
        """Note that a step begins."""
        self._since = len(self.dialogue.entries)
        self._add(PART, what, place)

    def note(self, text: str) -> None:
        """Note anything else."""
        self._add(NOTE, text)

    def captured(self, name: str, value: bytes) -> None:
        """Note a value that a reply has brought."""
        self._add(CAPTURE, name, data=value)

    def framing_changes(self, framing: Framing) -> None:
        """Cut with another framing from here on."""
        self.framing = framing
        self._splitter = self._splitter.switched(framing)

    def finish(self) -> None:
        """Note what is left over, and how long all took."""
        self._pause()
        self._add_rest()
        self.dialogue.ms = (time.perf_counter() - self._started) * 1000

    def _add_rest(self) -> None:
        if self._splitter.rest and not any(entry.kind == REST for entry in self.dialogue.entries[-2:]):
            self._add(REST, self._splitter.broken, data=self._splitter.rest, at=self._read_at)

    def _add(self, kind: str, text: str = "", place: str = "", data: bytes = b"", at: float = 0.0) -> None:
        if len(self.dialogue.entries) < MOST_ENTRIES:
            at = 0.0 if self._opened_at is None else (at or time.perf_counter()) - self._opened_at
            self.dialogue.entries.append(Entry(at * 1000, kind, text, place, data))

    # -- what is known of the step that failed ------------------------------------------------------------------

    def arrived(self) -> list[bytes]:
        """Return the frames that have arrived since the step began, and the unfinished one."""
        frames = [entry.data for entry in self.dialogue.entries[self._since :] if entry.kind in RECEIVED]
        rest = self._splitter.rest
        return [*frames, rest] if rest and rest not in frames[-1:] else frames

    def earlier(self) -> list[bytes]:
        """Return the last two frames that arrived before the step began, or fewer."""
        return [entry.data for entry in self.dialogue.entries[: self._since] if entry.kind == FRAME][-2:]

    def seen(self, failure: str) -> Seen:
        """Return what a diagnosis is made from."""
        entries = self.dialogue.entries
        rest = self._splitter.rest
        whole = [*entries, Entry(0.0, REST, data=rest)] if rest and entries[-1:][0].kind != REST else entries
        return Seen(
            self._splitter.framing,
            failure,
            received=turns(whole, RECEIVED),
            sent=turns(whole, (SENT,)),
            frames=[entry.data for entry in entries if entry.kind == FRAME],
            rest=rest,
            broken=self._splitter.broken,
            closed=self.ended,
        )
