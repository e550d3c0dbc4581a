"""Redis, publish and subscribe: one user of five publishes every EVERY seconds, the others get each message.

A message says when it was published, so the row `news` has the latency from there to each subscriber. That works while
all workers are on one machine and so have one clock.
"""

import math
import time

from rawsocket import Connect, Delimiter, Due, Receive, Request, Session, SessionUser, UntilPattern


def published_at(message: bytes) -> float:
    """Return when a message was published: its last line."""
    return float(message.split(b"\r\n")[-2])


class RedisSubscriber(SessionUser):
    """Waits for messages. Each one is an array of three: `message`, the channel, the text."""

    weight = 4
    framing = UntilPattern(rb"^\*3\r\n(\$\d+\r\n[^\r]*\r\n){2}(:\d+|\$\d+\r\n[^\r]*)\r\n")
    accepts_pushes = True

    def session(self) -> Session:
        """Subscribe and wait."""
        yield Connect()
        yield Request(b"SUBSCRIBE news\r\n", "SUBSCRIBE", expect=lambda reply: reply.endswith(b"news\r\n:1\r\n"))
        while True:
            yield Receive(math.inf, "news", since=published_at)

    def is_push(self, message: bytes) -> bool:
        """A message, rather than the reply to SUBSCRIBE."""
        return b"\r\nmessage\r\n" in message


class RedisPublisher(SessionUser):
    """Publishes the time."""

    weight = 1
    framing = Delimiter(b"\r\n")

    def session(self) -> Session:
        """Publish, for ever; the reply says how many subscribers got it."""
        yield Connect()
        while True:
            yield Due(self.option("every"))
            yield Request(b"PUBLISH news %r" % time.perf_counter(), "PUBLISH", expect=lambda reply: reply[:1] == b":")
