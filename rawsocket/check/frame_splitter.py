"""How a framing cuts received bytes into frames: beside the connection's own decoder, byte by byte. Pure."""

from rawsocket.errors import RawSocketError
from rawsocket.wire.framing import Framing

SLOWLY = 262_144  # after so many bytes each read is cut at once: its frames are then shown without their marks


class FrameSplitter:
    """Cuts what arrives; `broken` says why the stream can't be one of this framing, "" if it can."""

    def __init__(self, framing: Framing) -> None:
        self.framing = framing.receives
        self.broken = ""
        self._decoder = self.framing.decoder()
        self._rest = bytearray()
        self._seen = 0

    @property
    def rest(self) -> bytes:
        """The bytes of an unfinished frame."""
        return bytes(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the whole frames that the data completes, each with all its bytes."""
        self._seen += len(data)
        if self.broken or not data:
            self._rest += data
            return []
        if not self.framing.delimits or self._seen > SLOWLY:
            return self._at_once(data)
        return [frame for at in range(len(data)) if (frame := self._byte(data[at : at + 1]))]

    def _byte(self, byte: bytes) -> bytes:
        """Return the frame that ends with this byte, b"" if none does."""
        self._rest += byte
        if self.broken or not self._feed(byte):
            return b""
        return self._take()

    def _at_once(self, data: bytes) -> list[bytes]:
        before = self._take()
        frames = self._feed(data)
        if frames:
            frames[0] = frames[0] if self.framing.delimits else before + frames[0]
            return frames
        self._rest += before + data
        return []

    def pause(self, closed: bool = False) -> bytes:
        """Return the frame that a pause (or the end of the stream) completes, b"" if it completes none."""
        if self.broken or not self._rest or not (closed or self.framing.gap is not None):
            return b""
        try:
            complete = self._decoder.end() if closed else self._decoder.gap()
        except RawSocketError:
            complete = []
        return self._take() if complete else b""

    def switched(self, framing: Framing) -> "FrameSplitter":
        """Return the splitter for what arrives after a change of the framing; unfinished bytes are not taken over."""
        return FrameSplitter(framing)

    def _feed(self, data: bytes) -> list[bytes]:
        try:
            return self._decoder.feed(data)
        except RawSocketError as failure:
            self.broken = failure.detail or failure.name
        except Exception as error:  # of a framing of the scenario's own
            self.broken = f"{type(error).__name__}: {error}"
        return []

    def _take(self) -> bytes:
        taken = bytes(self._rest)
        self._rest.clear()
        return taken
