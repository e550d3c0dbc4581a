"""A session that raises an exception."""

from rawsocket import Connect, Request, SessionUser


class Raises(SessionUser):
    def session(self):
        yield Connect()
        reply = yield Request(b"hello")
        return {}["reply"]
