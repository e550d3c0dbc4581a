r"""What a message says at first sight: its name, its form without the parts that vary, and whether it is text. Pure."""

import re

from lab.recording.messages.frames import is_text

# Runs of letters and digits with a digit in them, or long ones, are values rather than words.
VALUE = re.compile(rb"[A-Za-z0-9]*[0-9][A-Za-z0-9]*|[A-Za-z0-9+/]{24,}=*")
_RESP = re.compile(rb"\*\d+\r\n\$\d+\r\n([^\r\n]+)")
_HTTP = re.compile(rb"([A-Z]+) ([^ ?]+)\S* HTTP/1\.")
_MQTT = (
    *("", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK"),
    *("UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"),
)
_POSTGRESQL = {b"p": "password", b"P": "Parse", b"B": "Bind", b"X": "Terminate"}

_PRINTABLE = re.compile(rb"[ -~]{3,}")

# The first words of messages that begin and end a connection.
BEGIN = re.compile(
    rb"(?i)(auth|hello|ehlo|helo|lhlo|login|\S+ login|authenticate|\S+ authenticate|user|pass|nick|cap|connect|"
    rb"stomp|client|select|starttls|logon|acct|apop|\S+ capability|feat|register|auth\w*)\b"
)
END = re.compile(rb"(?i)\W*(?:quit|bye|exit|logout|disconnect|goodbye|\S+ logout|close|terminate)\b")


def name(message: bytes, framing: str) -> str:
    """Return the name that a message has in its protocol, "" where the first word of the text will do."""
    return re.sub(r"[^\x20-\x7e]", "", _name(message, framing)).strip()


def _name(message: bytes, framing: str) -> str:
    if found := _RESP.match(message):
        return found[1].decode("latin-1").upper()
    if found := _HTTP.match(message):
        return f"{found[1].decode()} {found[2].decode('latin-1')}"
    if framing.startswith("{varint: {at: 1") and message:
        return _MQTT[message[0] >> 4]
    if "at: 1, size: 4" in framing and message:
        return _postgresql(message)
    if "at: 4, size: 2" in framing and message[2:4] == b"\0\0" and len(message) > 7:
        return f"function {message[7]}"
    return ""


def _postgresql(message: bytes) -> str:
    if message[:1] == b"Q":
        return message[5:].split(b" ", 1)[0].rstrip(b"\0;").decode("latin-1").upper() or "query"
    return "startup" if message[4:8] == b"\0\3\0\0" else _POSTGRESQL.get(message[:1], "")


def form(message: bytes, framing: str) -> object:
    """Return what a message has in common with others of its kind: its name and its text without values."""
    if is_text(message):
        return VALUE.sub(b"#", message)
    known, text = name(message, framing), [VALUE.sub(b"#", each) for each in _PRINTABLE.findall(message)]
    return (known, *text) if known or text else (message[:1], len(message))


def first_word(message: bytes, framing: str) -> object:
    """Return the first word, without values; for binary data the name, or the first byte."""
    if not is_text(message):
        return name(message, framing) or message[:1]
    if found := _RESP.match(message):
        return found[1].upper()
    return VALUE.sub(b"#", (message.split(maxsplit=1) or [b""])[0])


def begins(message: bytes, first: bool) -> bool:
    """Whether a message belongs to the begin of a connection. `first`: it is the first one."""
    if is_text(message):
        found = _RESP.match(message)
        return bool(BEGIN.match(found[1] if found else message))
    return (first and (message[4:8] == b"\0\3\0\0" or (message[:1] == b"\x10" and b"MQ" in message[:10]))) or (
        message[:1] == b"p" and int.from_bytes(message[1:5], "big") == len(message) - 1
    )


def ends(message: bytes) -> bool:
    """Whether a message ends a connection."""
    if message in (b"\xe0\0", b"X\0\0\0\4"):
        return True
    found = _RESP.match(message)
    return is_text(message) and bool(END.match(found[1] if found else message))
