"""What a connection says of itself, and what it costs."""

import socket
import sys
from types import SimpleNamespace

from rawsocket.engine.accounting import ANSWERED, HEARD, PROVEN, RETRY, SETTLED
from rawsocket.engine.connection import Connection
from rawsocket.engine.exchange.sender import NEVER
from rawsocket.engine.state import ConnectionState

CONFIG = SimpleNamespace()


def test_connection_begins_closed_and_knows_whether_it_replaces_another():
    made = ConnectionState(CONFIG, None, reconnect=True)  # type: ignore[arg-type]
    assert (made.is_open, made.is_closed, made.in_flight, made.is_sending) == (False, True, 0, False)
    assert (made.reconnect, made.settled, made.answered) == (True, False, False)
    assert not ConnectionState(CONFIG, None).reconnect  # type: ignore[arg-type]


def test_only_all_flags_of_a_good_reply_reach_proven():
    for others in (0, SETTLED, HEARD, ANSWERED, SETTLED | HEARD, SETTLED | ANSWERED, HEARD | ANSWERED):
        assert others | RETRY < PROVEN
    assert PROVEN <= PROVEN | RETRY


def test_connection_has_twelve_slots_and_so_fits_into_128_bytes():
    made = Connection(CONFIG, None)  # type: ignore[arg-type]
    assert sys.getsizeof(made) <= 128
    assert not hasattr(made, "__dict__")


def test_reply_is_awaited_since_its_message_was_sent():
    made = ConnectionState(CONFIG, None)  # type: ignore[arg-type]
    assert made.awaited_since == NEVER
    made._flight = ("message", 1.0, 2.0, b"", b"", None)
    assert made.awaited_since == 2.0
    made._flight, made.exchange = None, SimpleNamespace(awaited=list)  # type: ignore[assignment]
    assert made.awaited_since == NEVER
    oldest = [SimpleNamespace(sent=3.0), SimpleNamespace(sent=4.0)]
    made.exchange = SimpleNamespace(awaited=lambda: oldest)  # type: ignore[assignment]
    assert made.awaited_since == 3.0


def test_reply_that_has_arrived_and_was_not_read_is_not_awaited():
    """A slow client reads when it likes."""
    made, (ours, theirs) = ConnectionState(CONFIG, None), socket.socketpair()  # type: ignore[arg-type]
    with ours, theirs:
        ours.setblocking(False)
        made._sock = ours
        made.exchange = SimpleNamespace(awaited=lambda: [SimpleNamespace(sent=3.0)])  # type: ignore[assignment]
        assert made.awaited_since == 3.0
        theirs.sendall(b"reply")
        assert made.awaited_since == NEVER
