"""Each user connects, exchanges one message and closes, again and again, every EVERY seconds.

It shows what accepting costs, as opposed to holding. With PACE=open (the default) the visits are due on a fixed grid
that begins at a random part of EVERY, and a message's latency counts from when its visit was due, the connect included;
with PACE=closed the next visit comes EVERY seconds after the last one's end, give or take a tenth. 800 users with
EVERY=10 make 80 connections a second. The client closes first, so each connection occupies a source port of the worker
for another minute (TIME_WAIT): more than some 450 connections a second per worker and target run out of ports.
A visit that failed is not repeated; the next one comes in its turn. EVERY=0: one visit after the other, with back-off.
"""

from rawsocket import Close, Connect, LabSession, RawSocketError, Session


class Churn(LabSession):
    """Comes, says one thing, and goes."""

    holds = False

    def session(self) -> Session:
        """Wait for the next visit; connect, one message and its reply, close."""
        while True:
            if self.every:
                yield self.pause()
            try:
                yield Connect()
                yield self.message()
                yield Close()
            except RawSocketError:  # recorded where it happened
                if not self.every:
                    raise
