r"""Finds secrets in what a client sends: passwords, tokens, answers of SASL. Pure.

Strategy: a table of expressions, each with a group `secret`, for commands and fields that carry one; logins in several
steps are followed from the command to its answers; MQTT and PostgreSQL are read by their layout. A secret found once is
replaced everywhere on its connection, also in replies. What is found is bytes, and the name of its placeholder.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, pairwise

from lab.recording.messages.dialogue import Exchange

_WORD = rb"(?P<secret>[^\s]+)"
TABLE = (
    (rb"(?m)(?:\A(?i:PASS)|^PASS) +:?(?P<secret>[^\r\n]+)", "password"),  # POP3, FTP, IRC
    (rb"(?im)^AUTH (?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|CRAM-MD5)(?: +(?P<secret>[^\s=][^\s]*))?\s*$", "credentials"),
    (rb"(?im)^AUTH +(?:[^\s]+ +)?" + _WORD + rb"\s*$", "password"),  # Redis, its inline commands
    (rb"(?im)^HELLO \d AUTH \S+ " + _WORD, "password"),
    (rb"(?is)^\*[23]\r\n\$4\r\nAUTH\r\n(?:\$\d+\r\n[^\r\n]*\r\n)?\$\d+\r\n(?P<secret>[^\r\n]+)(?:\r\n)?\Z", "password"),
    (rb"(?is)\r\n\$4\r\nAUTH\r\n\$\d+\r\n[^\r\n]*\r\n\$\d+\r\n(?P<secret>[^\r\n]+)", "password"),  # HELLO 3 AUTH
    (rb"(?is)\$11\r\nrequirepass\r\n\$\d+\r\n(?P<secret>[^\r\n]+)", "password"),
    (rb'(?im)^\S+ LOGIN (?:"[^"]*"|\S+) (?:"(?P<secret>[^"]+)"|(?P<bare>\S+))', "password"),  # IMAP
    (rb"(?im)^LOGIN \S+ " + _WORD, "password"),
    (rb"(?im)^\S+ AUTHENTICATE \S+ " + _WORD, "credentials"),
    (rb"(?im)^AUTHENTICATE (?!PLAIN|EXTERNAL|SCRAM|\*|\+)" + _WORD, "credentials"),  # IRC
    (rb"(?im)^(?:OPER \S+|(?:PRIVMSG )?NICKSERV :?IDENTIFY(?: \S+(?= \S))?) " + _WORD, "password"),
    (rb"(?im)^(?:Proxy-)?Authorization: *(?:\w+ +)?(?P<secret>[^\r\n]+)", "authorization"),
    (rb"(?im)^(?:Cookie|X-Api-Key|X-Auth-Token|Api-Key): *(?P<secret>[^\r\n]+)", "token"),
    (rb"(?im)^(?:passcode|password): *(?P<secret>[^\r\n]+)", "password"),  # STOMP
    (rb'(?i)"(?:password|passwd|pass|secret|auth_token|access_token|api_key|token|jwt|sig)" *: *"(?P<secret>[^"]+)"',
     "password"),
    (rb"(?i)[?&\s](?:password|passwd|secret|access_token|api_key|token)=(?P<secret>[^&\s;]+)", "password"),
    (rb"(?is)<(?:auth|response)\b[^>]*>(?P<secret>[^<]+)</", "credentials"),  # XMPP
    (rb"\x01554=(?P<secret>[^\x01]+)\x01", "password"),  # FIX
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), name) for pattern, name in TABLE)
_LOGIN = re.compile(rb"(?i)(?:\S+ )?(?:AUTH|AUTHENTICATE)\b")
# Around the name of a secret: bytes that are text, and that no one sends.
MARK = b"\x1b\x1b~\x1b"
LEAST_ELSEWHERE = 4  # bytes; shorter ones are replaced where they were found, not wherever these bytes occur


def find(exchanges: Iterable[Exchange], sent: Iterable[bytes] = ()) -> dict[bytes, str]:
    """Return the secrets of one connection, and the names of their placeholders in the order of their use.

    `sent`: what was sent at once each time. It is searched as well, so that a wrong framing can't hide a secret.
    """
    found: dict[bytes, str] = {}
    steps = [each for each in exchanges if each.message]
    messages = [*(each.message or b"" for each in steps), *sent]
    for secret, name in chain(chain.from_iterable(map(_in, messages)), _answers(steps)):
        taken = sum(each.rstrip("0123456789") == name for each in found.values())
        found.setdefault(secret, f"{name}{taken + 1}" if taken else name)
    return found


def hidden(message: bytes, secrets: Mapping[bytes, str]) -> bytes:
    """Return a message with the names of secrets, between marks, in their places."""
    here = {secret for secret, _ in _in(message)}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= LEAST_ELSEWHERE or secret in here:
            message = message.replace(secret, MARK + secrets[secret].encode() + MARK)
    return message


def _in(message: bytes) -> Iterator[tuple[bytes, str]]:
    for pattern, name in _COMPILED:
        for match in pattern.finditer(message):
            secret = match["secret"] or match.groupdict().get("bare")
            if secret:
                yield secret, name
        if name == "credentials" and pattern.search(message):
            break  # AUTH PLAIN is no AUTH with a password `PLAIN`
    yield from _mqtt(message)
    yield from _postgresql(message)


def _answers(steps: list[Exchange]) -> Iterator[tuple[bytes, str]]:
    """Yield what answers the questions of a server during a login."""
    login = False
    for before, after in pairwise(steps):
        login = bool(_LOGIN.match(before.message or b"")) or login
        login = login and any(reply.startswith((b"334", b"+")) for reply in before.replies)
        login = login and not any(reply.startswith(b"+OK") for reply in before.replies)
        if login and (answer := (after.message or b"").strip()):
            yield answer, "credentials"


def _mqtt(message: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the password of a CONNECT, its last field; it is there if bit 6 of the flags is set."""
    at = message.find(b"\x00\x04MQTT", 0, 8)
    at = message.find(b"\x00\x06MQIsdp", 0, 8) if at < 0 else at
    if message[:1] != b"\x10" or at < 0:
        return
    flags = at + 3 + message[at + 1]
    if len(message) > flags and message[flags] & 0x40:
        for size in range(1, len(message) - flags):
            if int.from_bytes(message[-size - 2 : -size], "big") == size:
                yield message[-size:], "password"
                return


def _postgresql(message: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the password of a PasswordMessage, or what SASL sends in its place."""
    whole = message[:1] == b"p" and int.from_bytes(message[1:5], "big") == len(message) - 1
    if whole and (secret := message[5:].removesuffix(b"\0")):
        yield secret, "password"
