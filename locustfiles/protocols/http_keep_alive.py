"""HTTP/1.1: each user asks for a page every EVERY seconds, on one connection that stays open.

The head of a reply says how long its body is. This is for servers that do: not for `Transfer-Encoding: chunked`.
"""

import re

from rawsocket import Connect, Due, LengthInText, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("http_path", "/", "the page to ask for")


class HttpUser(SessionUser):
    framing = LengthInText(b"\r\n\r\n", rb"(?i)\ncontent-length: *(\d+)")

    def session(self) -> Session:
        request = f"GET {self.option('http_path')} HTTP/1.1\r\nHost: load.example.test\r\n\r\n".encode()
        yield Connect()
        while True:
            yield Due(self.option("every"))
            yield Request(request, "GET", expect=re.compile(rb"HTTP/1\.1 200 ").match)
