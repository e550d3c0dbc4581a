"""Where a TLS record ends. Pure.

During a handshake no read goes beyond a record. So what the server sends right after its last handshake message stays
in the kernel, where the reactor finds it once the connection reads.
"""

HEADER = 5  # bytes: type, version (2), length (2); RFC 8446, section 5.1


class Records:
    """Counts through a stream of records."""

    __slots__ = ("_header", "left")

    def __init__(self) -> None:
        self._header = b""
        self.left = HEADER  # bytes to the end of the header or of the record, whichever comes first; never 0

    @property
    def at_boundary(self) -> bool:
        """Whether a record has just ended, or none has begun."""
        return not self._header

    def add(self, data: bytes) -> None:
        """Count these bytes, at most `left`."""
        self.left -= len(data)
        if len(self._header) < HEADER:
            self._header += data
            if not self.left:
                self.left = int.from_bytes(self._header[3:5], "big")
        if not self.left:
            self._header, self.left = b"", HEADER
