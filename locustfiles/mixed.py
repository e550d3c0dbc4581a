"""Three of four users hold a connection and talk on it every EVERY seconds; the fourth comes, says one thing, and goes.

What visitors cost those who stay shows in the rows `held message` and `visit message`. Change the mix by Locust's own
means, for example --config-users '{"user_class_name": "Visitor", "weight": 9}'.
"""

from contextlib import suppress

from rawsocket import Close, Connect, LabSession, RawSocketError, Session


class Holder(LabSession):
    """Holds a connection."""

    holds = True
    weight = 3

    def session(self) -> Session:
        """Connect, and talk for ever."""
        yield Connect()
        while True:
            yield self.pause()
            yield self.message("held message")


class Visitor(LabSession):
    """Comes, says one thing, and goes."""

    holds = False
    weight = 1

    def session(self) -> Session:
        """Wait for the next visit; connect, one message and its reply, close."""
        while True:
            yield self.pause()
            with suppress(RawSocketError):  # recorded where it happened
                yield Connect()
                yield self.message("visit message")
                yield Close()
