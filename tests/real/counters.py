"""Reads the counters of the servers in servers.py, each by the server's own means, with nothing of rawsocket.

Each function gets a running server and returns {name: number}.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import struct
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from tests.real.real_server import RealServer

Counters = dict[str, float]

TIMEOUT_S = 60.0
NUMBERS = itertools.count()
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _ask(server: RealServer, request: bytes, end: bytes) -> bytes:
    """Send a request on a connection of its own; return what comes up to and with `end`."""
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as sock:
        sock.sendall(request)
        found = b""
        while end not in found:
            piece = sock.recv(65_536)
            if not piece:
                raise EOFError(f"{server.name} closed the connection after {found!r}")
            found += piece
        return found


def _numbers(text: str, pattern: str) -> Counters:
    """Return what `pattern` finds: two groups in each line, a name and its value, where that is a number."""
    found: Counters = {}
    for name, value in re.findall(pattern, text, re.M):
        try:
            found[name] = float(value)
        except ValueError:
            continue
    return found


def of_redis(server: RealServer) -> Counters:
    """Return the numbers of INFO: connected_clients, total_connections_received, total_commands_processed, ...

    cmdstat_get: how often the command GET was called.
    """
    return _numbers(_ask(server, b"INFO everything\r\nPING\r\n", b"+PONG\r\n").decode(), r"^(\w+):(?:calls=)?([^,\s]+)")


def of_memcached(server: RealServer) -> Counters:
    """Return the numbers of `stats`: curr_connections, total_connections, cmd_get, cmd_set, ..."""
    return _numbers(_ask(server, b"stats\r\n", b"END\r\n").decode(), r"^STAT (\S+) (\S+)\r$")


def of_mosquitto(server: RealServer) -> Counters:
    """Return the numbers below $SYS/, for example broker/clients/connected and broker/messages/received.

    The broker computes them once a second.
    """
    connect = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03sys"
    subscribe = b"\x82\x0b\x00\x01\x00\x06$SYS/#\x00"
    found: dict[str, str] = {}
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as sock, sock.makefile("rb") as stream:
        sock.sendall(connect + subscribe + b"\xc0\x00")  # the answer to this ping comes after all retained messages
        for kind, body in _mqtt_packets(stream):
            if kind == 0xD0:
                break
            if kind & 0xF0 == 0x30:
                (size,) = struct.unpack_from(">H", body)
                found[body[2 : 2 + size].decode().removeprefix("$SYS/")] = body[2 + size :].decode()
        else:
            raise EOFError(f"{server.name} closed the connection after {len(found)} counters")
        sock.sendall(b"\xe0\x00")
    # "12 seconds" is a value, too.
    return _numbers("".join(f"{name} {value}\n" for name, value in found.items()), r"^(\S+) (\S+)(?: seconds)?$")


def _mqtt_packets(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while first := stream.read(1):
        size = shift = 0
        while True:
            (byte,) = stream.read(1)
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        yield first[0], stream.read(size)
    raise EOFError("the broker closed the connection")


def of_nats(server: RealServer) -> Counters:
    """Return the numbers of /varz: connections, total_connections, in_msgs, out_msgs, in_bytes, out_bytes, ..."""
    with _DIRECT.open(f"http://127.0.0.1:{server.admin_port}/varz", timeout=TIMEOUT_S) as reply:
        found = json.load(reply)
    return {name: float(value) for name, value in found.items() if type(value) in (int, float)}


def of_postgresql(server: RealServer) -> Counters:
    """Return clients (connected now, without this one), xact_commit, xact_rollback, sessions, tup_inserted."""
    query = """
        select (select count(*) from pg_stat_activity
          where backend_type = 'client backend' and pid <> pg_backend_pid()),
        sum(xact_commit), sum(xact_rollback), sum(sessions), sum(tup_inserted) from pg_stat_database
    """
    command = ["psql", "-XAt", "-F", " ", "-h", "127.0.0.1", "-p", str(server.port), "-U", "holdfast", "postgres"]
    done = subprocess.run([*command, "-c", query], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    names = ("clients", "xact_commit", "xact_rollback", "sessions", "tup_inserted")
    return dict(zip(names, map(float, done.stdout.split()), strict=True))


def of_nginx(server: RealServer) -> Counters:
    """Return stub_status: active, accepts, handled, requests, reading, writing, waiting; this request counts."""
    with _DIRECT.open(f"http://127.0.0.1:{server.port}/status", timeout=TIMEOUT_S) as reply:
        values = re.findall(r"\d+", reply.read().decode())
    names = ("active", "accepts", "handled", "requests", "reading", "writing", "waiting")
    return dict(zip(names, map(float, values), strict=True))


def of_dovecot(server: RealServer) -> Counters:
    """Return logins, from the log: of IMAP and POP3 together."""
    return {"logins": float(len(re.findall(r"-login: (?:Info: )?Login: ", server.log())))}


def of_ngircd(server: RealServer) -> Counters:
    """Return users and channels, and how often each command came, for example PRIVMSG.

    The connection that asks is one of the users.
    """
    nick = b"asks%d" % next(NUMBERS)  # a name is free again a moment after its connection was closed
    said = _ask(server, b"NICK %s\r\nUSER lusers 0 * :lusers\r\nSTATS m\r\n" % nick, b" 219 ").decode()
    users = re.search(r" 251 \S+ :There are (\d+) users", said)
    channels = re.search(r" 254 \S+ (\d+) ", said)
    assert users, said
    found = {"users": float(users[1]), "channels": float(channels[1]) if channels else 0.0}
    return found | _numbers(said, r" 212 \S+ (\w+) (\d+) ")


def of_exim(server: RealServer) -> Counters:
    """Return received: the mails in the log; and encrypted: those of them that came over TLS."""
    ends = re.findall(r": discarded (plain|encrypted)\n", server.log())
    return {"received": float(len(ends)), "encrypted": float(ends.count("encrypted"))}


def of_rsyslog(server: RealServer) -> Counters:
    """Return messages: the lines that it has written."""
    file = server.folder / "messages"
    return {"messages": float(file.read_bytes().count(b"\n")) if file.exists() else 0.0}


def of_dnsmasq(server: RealServer) -> Counters:
    """Return queries (for IPv4 addresses, from the log), and by queries of class CHAOS hits, misses, insertions,
    evictions and cachesize. A process of its own serves each TCP connection, so hits and misses are those of UDP.
    """
    names = ("hits", "misses", "insertions", "evictions", "cachesize")
    return {"queries": float(server.log().count(": query[A] "))} | {name: _chaos(server, name) for name in names}


def of_vsftpd(server: RealServer) -> Counters:
    """Return logins, and how often each command came, from the log: for example PWD."""
    log = server.log()
    commands = re.findall(r'FTP command: Client "[^"]*", "(\w+)', log)
    return {name: float(commands.count(name)) for name in {*commands}} | {"logins": float(log.count(" OK LOGIN: "))}


def of_prosody(server: RealServer) -> Counters:
    """Return streams: how many clients have opened one, from the log."""
    return {"streams": float(server.log().count("sent opening <stream:stream>"))}


def _chaos(server: RealServer, name: str) -> float:
    question = bytes([len(name)]) + name.encode() + b"\x04bind\x00\x00\x10\x00\x03"
    query = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as sock, sock.makefile("rb") as stream:
        sock.sendall(struct.pack(">H", len(query)) + query)
        (size,) = struct.unpack(">H", stream.read(2))
        reply = stream.read(size)
    answer = reply[len(query) :]  # name (a pointer), type, class, TTL, length of the data, length of the text, text
    return float(answer[13 : 13 + answer[12]])
