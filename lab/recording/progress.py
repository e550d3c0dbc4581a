"""What a recording shows while it runs: a line when something has happened, at most one each second."""

import time

from lab.progress import say
from lab.recording.proxy import Proxy

INTERVAL_S = 1.0


class Progress:
    """Says how much was recorded."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._shown = 0.0
        self._text = ""

    def show(self) -> None:
        """Say it, unless that was done just now."""
        if time.monotonic() - self._shown >= INTERVAL_S:
            self._say()

    def end(self) -> None:
        """Say the last state."""
        self._say()

    def _say(self) -> None:
        connections = self._proxy.connections
        sent, received = (
            sum(len(piece.data) for each in connections for piece in each.pieces if piece.sent is way)
            for way in (True, False)
        )
        opened = f"{len(connections)} connection{'s' * (len(connections) != 1)}"
        text = f"{opened} ({len(connections) - self._proxy.ended} open), {sent:,} bytes sent, {received:,} received"
        if text != self._text:
            say(text)
        self._text, self._shown = text, time.monotonic()
