"""Clients of ten protocols, as simple as their users write them: what they say is recorded."""

from __future__ import annotations

import http.client
import re
import smtplib
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

DEADLINE_S = 60.0
ROUNDS = 3
PAUSE_S = 0.1


class Client:
    """A socket that sends a message and reads until the whole reply is there."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def send(self, *messages: bytes | str) -> None:
        """Send messages that have no reply."""
        for each in messages:
            self._socket.sendall(each.encode() if isinstance(each, str) else each)

    def ask(self, message: bytes | str, until: bytes) -> bytes:
        """Send a message, and read until an expression is found in what came."""
        self.send(message)
        return self.read(until)

    def read(self, until: bytes) -> bytes:
        """Read until an expression is found."""
        came = b""
        while not re.search(until, came, re.S):
            data = self._socket.recv(65536)
            assert data, came
            came += data
        return came


@contextmanager
def _connected(port: int) -> Iterator[Client]:
    with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as sock:
        yield Client(sock)


def _rounds() -> Iterator[int]:
    for at in range(ROUNDS):
        yield at
        time.sleep(PAUSE_S)


def _command(*arguments: str) -> bytes:
    """A Redis command as libraries send it."""
    return f"*{len(arguments)}\r\n".encode() + b"".join(b"$%d\r\n%s\r\n" % (len(a), a.encode()) for a in arguments)


def redis(port: int) -> None:
    """Sets and reads keys, as a library does; leaves without a word."""
    with _connected(port) as client:
        client.ask(_command("SELECT", "0"), rb"\+OK\r\n")
        for at in _rounds():
            client.ask(_command("SET", f"key:{at}", f"value {at}"), rb"\+OK\r\n")
            client.ask(_command("GET", f"key:{at}"), rb"value \d\r\n")
            client.ask(_command("INCR", "counter"), rb":\d+\r\n")


def redis_lines(port: int) -> None:
    """The same by hand."""
    with _connected(port) as client:
        for at in _rounds():
            client.ask(f"SET key:{at} hello\r\n", rb"\+OK\r\n")
            client.ask(f"GET key:{at}\r\n", rb"hello\r\n")
        client.ask("QUIT\r\n", rb"\+OK")


def memcached(port: int) -> None:
    """Stores and reads."""
    with _connected(port) as client:
        for at in _rounds():
            client.ask(f"set key{at} 0 0 5\r\nhello\r\n", b"STORED\r\n")
            client.ask(f"get key{at}\r\n", b"END\r\n")
        client.send("quit\r\n")


def smtp(port: int) -> None:
    """Sends a mail, with Python's own library."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=DEADLINE_S) as mail:
        mail.sendmail("a@example.test", ["b@example.test"], "Subject: hi\r\n\r\nhello {there}\r\n.dot\r\n")


def mqtt(port: int) -> None:
    """Subscribes nothing, publishes and pings."""
    connect = b"\0\4MQTT\4\2\0\x3c\0\4dev1"
    with _connected(port) as client:
        client.ask(b"\x10" + bytes([len(connect)]) + connect, rb"\x20\x02\0\0")
        for at in _rounds():
            message = b"\0\3t/a" + b"%d" % (at * 7)
            client.send(b"\x30" + bytes([len(message)]) + message)
            time.sleep(PAUSE_S)
            client.ask(b"\xc0\0", rb"\xd0\0")
        client.send(b"\xe0\0")


def postgresql(port: int) -> None:
    """Queries with psql, which also asks for encryption first."""
    command = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "holdfast", "-d", "postgres"]
    subprocess.run([*command, "-c", "select 1 as a", "-c", "select 'x' as b"], check=True, capture_output=True)


def irc(port: int) -> None:
    """Joins a channel and talks."""
    with _connected(port) as client:
        client.ask("NICK tester\r\nUSER test 0 * :Test\r\n", rb" (376|422) tester ")
        client.ask("JOIN #room\r\n", rb" 366 tester ")
        for at in _rounds():
            client.send(f"PRIVMSG #room :message {at}\r\n")
        client.ask("QUIT :bye\r\n", rb"ERROR ")


def modbus(port: int) -> None:
    """Reads ten registers and writes one."""
    with _connected(port) as client:
        for at in _rounds():
            client.ask(struct.pack(">HHHBBHH", 2 * at + 1, 0, 6, 1, 3, 0, 10), rb"^.{29}$")
            client.ask(struct.pack(">HHHBBHH", 2 * at + 2, 0, 6, 1, 6, 2, 300 + at), rb"^.{12}$")


def http_keep_alive(port: int) -> None:
    """Gets a page on one connection, with Python's own library."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    for _ in _rounds():
        client.request("GET", "/page", headers={"Authorization": "Bearer s3cret"})
        assert client.getresponse().read() == b"hello\n"
    client.close()


def mllp(port: int) -> None:
    """Sends messages and reads their acknowledgements."""
    with _connected(port) as client:
        for at in _rounds():
            stamp = time.strftime("%Y%m%d%H%M%S")
            client.ask(f"\x0bMSH|^~\\&|A|B|C|D|{stamp}||ADT^A01|MSG{at:05}|P|2.5\rPID|1||42\r\x1c\r", b"\x1c\r$")


def graphite(port: int) -> None:
    """Sends metrics."""
    with _connected(port) as client:
        for at in _rounds():
            client.send(f"load.cpu {at} {int(time.time())}\n")
