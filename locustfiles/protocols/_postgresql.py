"""The messages of PostgreSQL that postgresql_scram.py sends and reads, and a login with SCRAM-SHA-256 (RFC 7677)."""

import base64
import hashlib
import hmac
import secrets

from rawsocket import LengthField

#: All messages but the first: a letter, the length, the content.
MESSAGE = LengthField(offset=1, size=4, adjust=-4)
TERMINATE = MESSAGE.frame(b"X", b"")


def startup(user: str, database: str) -> bytes:
    """Return the first message of a connection, which has no letter; its framing adds the length."""
    return b"\0\3\0\0" + "\0".join(("user", user, "database", database, "\0")).encode()


def query(text: str) -> bytes:
    """Return a query."""
    return MESSAGE.frame(b"Q", text.encode() + b"\0")


def offers_scram(message: bytes) -> bool:
    """Return whether the server wants a login with SCRAM-SHA-256."""
    return message[:1] == b"R" and b"SCRAM-SHA-256\0" in message


def is_challenge(message: bytes) -> bool:
    """Return whether a message is the challenge of a login."""
    return message[:1] == b"R" and message[5:9] == b"\0\0\0\x0b"


def is_ready(messages: list[bytes]) -> bool:
    """Return whether the last message says that the server is ready for the next query."""
    return messages[-1][:1] == b"Z"


def succeeded(messages: list[bytes]) -> bool:
    """Return whether no message reports an error."""
    return all(message[:1] != b"E" for message in messages)


class ScramLogin:
    """A login that proves that the client knows a password, without sending it. The server knows the user already."""

    def __init__(self, password: str, nonce: str | None = None) -> None:
        self.password = password.encode()
        self.nonce = nonce or secrets.token_urlsafe(18)

    @property
    def hello(self) -> bytes:
        """What the login begins with."""
        text = f"n,,n=,r={self.nonce}".encode()
        return MESSAGE.frame(b"p", b"SCRAM-SHA-256\0" + len(text).to_bytes(4) + text)

    def answer(self, challenge: bytes) -> bytes:
        """Return the answer to a challenge. It hashes thousands of times, so call it in a thread."""
        return MESSAGE.frame(b"p", prove(self.password, f"n=,r={self.nonce}", challenge[9:].decode()).encode())


def prove(password: bytes, first: str, challenge: str) -> str:
    """Return a client's last message of SCRAM-SHA-256; `first` is its first one, without `n,,`."""
    nonce, salt, rounds = (part[2:] for part in challenge.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(salt), int(rounds))
    key = hmac.digest(salted, b"Client Key", "sha256")
    last = f"c=biws,r={nonce}"
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{first},{challenge},{last}".encode(), "sha256")
    proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
    return f"{last},p={base64.b64encode(proof).decode()}"
