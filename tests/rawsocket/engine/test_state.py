"""What a connection says of itself, and what it costs."""

import sys
from types import SimpleNamespace

from rawsocket.engine.accounting import ANSWERED, HEARD, PROVEN, RETRY, SETTLED
from rawsocket.engine.connection import Connection
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
