"""HTTP/1.1: each user asks for a page every EVERY seconds, on one connection that stays open.

The head of a reply says how long its body is. Without a framing for that, the bytes that arrive are gathered until
`expect` accepts them, so a wrong reply shows as a timeout.
"""

import re

from rawsocket import Chunk, Connect, Due, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("http_path", "/", "the page to ask for")

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.I)


def is_whole(reply: bytes) -> bool:
    """Whether a reply has the status 200 and its whole body."""
    head, _, body = reply.partition(b"\r\n\r\n")
    length = LENGTH.search(head + b"\r\n")
    return head.startswith(b"HTTP/1.1 200 ") and length is not None and len(body) == int(length[1])


class HttpUser(SessionUser):
    """Asks for one page, again and again."""

    framing = Chunk()

    def session(self) -> Session:
        """Ask, for ever."""
        request = f"GET {self.option('http_path')} HTTP/1.1\r\nHost: load.example.test\r\n\r\n".encode()
        yield Connect()
        while True:
            yield Due(self.option("every"))
            yield Request(request, "GET", expect=is_whole)
