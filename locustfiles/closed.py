"""Each user holds one connection and sends the next message as soon as the reply to the last one is there.

A closed loop: it shows how many messages a second a number of connections can get through, and hides every
stall, since a user that waits for a late reply sends nothing meanwhile. EVERY and PACE are not used.
"""

from rawsocket import Connect, LabSession, Session


class Closed(LabSession):
    """Talks all the time on one connection."""

    holds = True

    def session(self) -> Session:
        """Connect; one message and its reply after the other."""
        yield Connect()
        while True:
            yield self.message()
