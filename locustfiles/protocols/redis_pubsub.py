"""Redis, publish and subscribe: one user of five publishes every EVERY seconds, the others get each message.

A message says when it was published, so the row `news` has the latency from there to each subscriber. That works while
all workers are on one machine and so have one clock.
"""

import math
import re
import time

from rawsocket import Connect, Delimiter, Due, Receive, Request, Session, SessionUser, UntilPattern


class RedisSubscriber(SessionUser):
    """Gets messages: each one is an array of three texts, `message`, the channel, and when it was published."""

    weight = 4
    framing = UntilPattern(rb"^\*3\r\n(\$\d+\r\n[^\r]*\r\n){2}(:\d+|\$\d+\r\n[^\r]*)\r\n")
    accepts_pushes = True

    def session(self) -> Session:
        yield Connect()
        yield Request(b"SUBSCRIBE news\r\n", "SUBSCRIBE", expect=lambda reply: reply.endswith(b"news\r\n:1\r\n"))
        while True:
            yield Receive(math.inf, "news", since=lambda message: float(message.split(b"\r\n")[-2]))

    def is_push(self, message: bytes) -> bool:
        return b"\r\nmessage\r\n" in message


class RedisPublisher(SessionUser):
    framing = Delimiter(b"\r\n")

    def session(self) -> Session:
        yield Connect()
        while True:
            yield Due(self.option("every"))
            yield Request(b"PUBLISH news %r" % time.perf_counter(), "PUBLISH", expect=re.compile(rb":\d").match)
