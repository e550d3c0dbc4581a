"""PostgreSQL: each user logs in with a password (SCRAM-SHA-256), and sends a query every EVERY seconds.

The first message has no kind and so another framing than all others. Hashing the password takes long, so it is done in
a thread beside all other users. All messages up to `ready` are one reply.
"""

import base64
import hashlib
import hmac
import os

from rawsocket import (
    Call,
    Connect,
    Due,
    LengthField,
    LengthPrefixed,
    Receive,
    Request,
    ScenarioSetting,
    Send,
    Session,
    SessionUser,
    SetFraming,
)

ScenarioSetting("pg_user", "load", "user of the database")
ScenarioSetting("pg_password", "secret", "the user's password", secret=True)
ScenarioSetting("pg_database", "postgres", "the database")
ScenarioSetting("pg_query", "select now()", "the query")

MESSAGE = LengthField(offset=1, size=4, adjust=-4)


def is_ready(messages: list[bytes]) -> bool:
    """Whether the server is ready for the next query."""
    return messages[-1][:1] == b"Z"


def succeeded(messages: list[bytes]) -> bool:
    """Whether no message reports an error."""
    return all(message[:1] != b"E" for message in messages)


def digest(key: bytes, text: bytes) -> bytes:
    """Return a signature."""
    return hmac.digest(key, text, "sha256")


class PostgresUser(SessionUser):
    """Logs in once; then it queries."""

    framing = LengthPrefixed(4, counts_header=True)
    not_judged = ("startup", "challenge", "login")

    def session(self) -> Session:
        """Log in, and query for ever."""
        query = MESSAGE.frame(b"Q", self.option("pg_query").encode() + b"\0")
        yield from self.login()
        while True:
            yield Due(self.option("every"))
            yield Request(query, "query", until=is_ready, expect=succeeded)

    def login(self) -> Session:
        """Connect and prove that the password is known, without sending it (RFC 5802)."""
        yield Connect()
        names = (b"user", self.option("pg_user").encode(), b"database", self.option("pg_database").encode(), b"\0")
        yield Send(b"\0\3\0\0" + b"\0".join(names), "startup")
        yield SetFraming(MESSAGE)
        yield Receive(expect=lambda message: b"SCRAM-SHA-256\0" in message)
        mine = b"n=,r=" + base64.b64encode(os.urandom(18))
        first = b"SCRAM-SHA-256\0" + (len(mine) + 3).to_bytes(4) + b"n,," + mine
        reply = yield Request(MESSAGE.frame(b"p", first), "challenge", expect=lambda message: message[:1] == b"R")
        theirs = reply[9:]
        nonce, salt, rounds = (part[2:] for part in theirs.split(b","))
        password, final = self.option("pg_password").encode(), b"c=biws,r=" + nonce
        salted = yield Call(hashlib.pbkdf2_hmac, "sha256", password, base64.b64decode(salt), int(rounds), thread=True)
        key, signed = digest(salted, b"Client Key"), b",".join((mine, theirs, final))
        signature = digest(hashlib.sha256(key).digest(), signed)
        proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
        answer = MESSAGE.frame(b"p", final + b",p=" + base64.b64encode(proof))
        yield Request(answer, "login", until=is_ready, expect=succeeded)

    def goodbye(self) -> Session:
        """End the session in order."""
        yield Send(MESSAGE.frame(b"X", b""), "terminate", reply=False)
