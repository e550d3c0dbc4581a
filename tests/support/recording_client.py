"""A RawSocketClient that keeps its events, against a server of tests/support/echo.py. Imports Locust."""

import contextlib
from collections.abc import Iterator

from rawsocket.engine.tls.configuration import Tls
from rawsocket.errors import RawSocketError
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.users.client import RawSocketClient
from rawsocket.wire.framing import Framing, Line
from tests.support import echo
from tests.support.local_run import LONG


class RecordingClient:
    """A client that keeps its events."""

    def __init__(
        self, host: str, port: int, framing: Framing, timeouts: dict[str, float], tls: Tls | None = None
    ) -> None:
        self.recorder = Recorder()
        self.events: list[tuple[str, float | None, int, str]] = []
        waits = {"connect_timeout": LONG, "send_timeout": LONG, "reply_timeout": LONG} | timeouts
        self.client = RawSocketClient(
            Target(host, port, tls is not None),
            framing,
            recorder=self.recorder,
            listener=self._listen,
            tls=tls,
            **waits,
        )

    def _listen(self, row: str, ms: float | None, length: int, failure: RawSocketError | None) -> None:
        self.events.append((row, ms, length, failure.name if failure else "ok"))

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(row, outcome) for row, _, _, outcome in self.events]

    def check(self) -> None:
        """Check the recorder's invariants, which hold at any time between two events."""
        made = self.recorder
        settled = self.client.connected and self.client.connection.settled
        assert made.attempted == made.connected + sum(made.failed.values())
        assert made.connected == sum(made.dropped.values()) + made.closed + settled
        assert made.sent == made.answered + made.wrong + made.unanswered + self.client.in_flight
        assert made.unanswered == sum(made.unanswered_by.values()) >= made.cut
        assert made.held == settled
        assert made.failures == sum(sum(row.failures.values()) for row in made.rows.values())
        assert sum(row.requests for row in made.rows.values()) == len(self.events)


@contextlib.contextmanager
def recording_client(
    mode: str, framing: Framing | None = None, host: str = "127.0.0.1", **timeouts: float
) -> Iterator[RecordingClient]:
    with echo.running(mode, host) as (_, port):
        made = RecordingClient(host, port, framing or Line(), timeouts)
        made.client.connect()
        try:
            yield made
            made.check()
        finally:
            made.client.close()
        made.check()
        assert made.recorder.held == 0


def ask(made: RecordingClient) -> bytes:
    message = made.client.unique_payload(20)
    return made.client.request(message, name="message", expect=message)
