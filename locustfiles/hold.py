"""Each user holds one connection for its whole life and says something on it every EVERY seconds.

With PACE=open (the default) a user's messages are due on a fixed grid that begins at a random part of EVERY, whether or
not the server keeps up: what is due while it stalls is sent late, and its latency counts from when it was due. With
PACE=closed the next one follows EVERY seconds after the last reply, give or take a tenth. Each message of SIZE bytes is
unique to its connection and number, and exactly it must come back (with APP=hello: the greeting). EVERY=0 holds in
silence: no message is ever sent, and what is judged is what was held.
"""

from rawsocket import Connect, LabSession, Session, Wait

SILENCE = 3600.0  # seconds of one silent wait; the next follows at once


class Hold(LabSession):
    """Holds a connection; talks now and then."""

    holds = True

    def session(self) -> Session:
        """Connect, and talk, or be silent, for ever."""
        yield Connect()
        while self.every:
            yield self.pause()
            yield self.message()
        while True:
            yield Wait(SILENCE)
