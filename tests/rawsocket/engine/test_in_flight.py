from rawsocket.engine.in_flight import Extra, Flight
from rawsocket.users.steps import Receive
from rawsocket.wire.framing import Line
from rawsocket.wire.replies import Inbox


def test_an_extra_is_idle_while_nothing_is_in_it():
    for put in (
        lambda extra: extra.flights.append(Flight("a", 1.0, 1.0, None, None)),
        lambda extra: extra.kept.append(b"reply"),
        lambda extra: extra.inbox.feed(b"whole\n", 1.0, False),
        lambda extra: extra.inbox.feed(b"part", 1.0, False),
        lambda extra: setattr(extra, "gathered", b"x"),
        lambda extra: setattr(extra, "stopping", True),
        lambda extra: setattr(extra, "rest", memoryview(b"x")),
        lambda extra: setattr(extra, "receiving", (Receive(), 1.0)),
    ):
        extra = Extra(Inbox(Line()))
        assert extra.idle()
        put(extra)
        assert not extra.idle()
