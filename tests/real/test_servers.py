"""Each real server starts, answers one exchange, counts it by its own counters, and ends."""

import re
import socket
import struct
from pathlib import Path

import pytest

from tests.real.real_server import RealServer
from tests.real.servers import SERVERS, start_redis


def _said(server: RealServer, *exchange: bytes, port: int = 0) -> bytes:
    """Send the requests of an exchange, each after the reply to the one before; `exchange` alternates with ends."""
    requests, ends = exchange[::2], exchange[1::2]
    found = b""
    with socket.create_connection(("127.0.0.1", port or server.port), timeout=60) as sock:
        for request, end in zip(requests, ends, strict=True):
            sock.sendall(request)
            reply = b""
            while end not in reply:
                piece = sock.recv(4096)
                assert piece, (found, reply, server.log())
                reply += piece
            found += reply
    return found


def test_redis(redis: RealServer) -> None:
    assert _said(redis, b"SET a 1\r\n", b"+OK\r\n", b"GET a\r\n", b"1\r\n").endswith(b"$1\r\n1\r\n")
    counted = redis.growth()
    assert counted["total_connections_received"] == 2  # with that of the counters
    assert counted["keyspace_hits"] == 1


def test_memcached(memcached: RealServer) -> None:
    _said(memcached, b"set a 0 0 1\r\n1\r\n", b"STORED\r\n", b"get a\r\n", b"END\r\n")
    found = memcached.growth()
    assert (found["cmd_set"], found["get_hits"]) == (1, 1)


def test_mosquitto(mosquitto: RealServer) -> None:
    _said(mosquitto, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a", b"\x20\x02\x00\x00")
    found = mosquitto.wait_for("broker/messages/received", 1)
    assert "broker/clients/connected" in found


def test_nats(nats: RealServer) -> None:
    reply = _said(nats, b'CONNECT {"verbose":false}\r\nSUB a 1\r\nPUB a 5\r\nhello\r\nPING\r\n', b"PONG\r\n")
    assert b"MSG a 1 5\r\nhello\r\n" in reply
    found = nats.growth()
    assert (found["in_msgs"], found["out_msgs"]) == (1, 1)


def test_postgresql(postgresql: RealServer) -> None:
    parameters = b"user\0holdfast\0database\0postgres\0\0"
    startup = struct.pack(">II", len(parameters) + 8, 196_608) + parameters
    query = b"select 42\0"
    reply = _said(postgresql, startup, b"Z\0\0\0\5I", b"Q" + struct.pack(">I", len(query) + 4) + query, b"Z\0\0\0\5I")
    assert b"SELECT 1" in reply
    postgresql.wait_for("sessions", 1)
    assert postgresql.counters()["clients"] >= 0


def test_nginx(nginx: RealServer) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert _said(nginx, request, b"hello\n", request, b"hello\n").count(b"200 OK") == 2
    counted = nginx.growth()
    assert (counted["accepts"], counted["requests"]) == (2, 3)


def test_dovecot_imap_and_pop3(dovecot: RealServer) -> None:
    _said(dovecot, b"", b"* OK", b"a login me secret\r\n", b"a OK", b"b logout\r\n", b"b OK")
    exchange = (b"", b"+OK", b"USER me\r\n", b"+OK", b"PASS secret\r\n", b"+OK", b"QUIT\r\n", b"+OK")
    _said(dovecot, *exchange, port=dovecot.admin_port)
    dovecot.wait_for("logins", 2)


def test_ngircd(ngircd: RealServer) -> None:
    _said(ngircd, b"NICK me\r\nUSER me 0 * :me\r\n", b" 001 ", b"PING a\r\n", b"PONG")
    assert ngircd.counters()["users"] >= 1


def test_exim(exim: RealServer) -> None:
    mail = (b"MAIL FROM:<a@example.test>\r\n", b"250 ", b"RCPT TO:<b@example.test>\r\n", b"250 ")
    body = (b"DATA\r\n", b"354 ", b"Subject: a\r\n\r\nhello\r\n.\r\n", b"250 ", b"QUIT\r\n", b"221 ")
    _said(exim, b"", b"220 ", b"EHLO me\r\n", b"250 ", *mail, *body)
    exim.wait_for("received", 1)


def test_rsyslog(rsyslog: RealServer) -> None:
    message = b"<13>1 2026-01-01T00:00:00Z host app 1 - - hello"
    _said(rsyslog, message + b"\n" + b"%d %s" % (len(message), message), b"")
    rsyslog.wait_for("messages", 2)


def test_dnsmasq(dnsmasq: RealServer) -> None:
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x04test\x00\x00\x01\x00\x01"
    assert _said(dnsmasq, struct.pack(">H", len(query)) + query, bytes([192, 0, 2, 1])).count(b"\x12\x34") == 1
    assert dnsmasq.counters()["cachesize"] > 0


def test_vsftpd(vsftpd: RealServer) -> None:
    login = (b"USER anonymous\r\n", b"331 ", b"PASS me\r\n", b"230 ")
    _said(vsftpd, b"", b"220 ", *login, b"PWD\r\n", b'257 "', b"QUIT\r\n", b"221 ")
    vsftpd.wait_for("QUIT", 1)
    assert vsftpd.growth()["logins"] == 1


def test_prosody(prosody: RealServer) -> None:
    namespaces = b"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    begin = b"<stream:stream to='example.test' version='1.0' " + namespaces + b">"
    _said(prosody, begin, b"</stream:features>", b"</stream:stream>", b"</stream:stream>")
    prosody.wait_for("streams", 1)


def test_stop_ends_all_processes_and_removes_the_folder() -> None:
    server = start_redis()
    server.stop()
    server.stop()
    assert server.process.returncode == 0
    assert not server.folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=60)


def test_ci_installs_each_package() -> None:
    ci = (Path(__file__).resolve().parents[2] / ".ci/run").read_text()
    source = (Path(__file__).parent / "servers.py").read_text()
    packages = re.findall(r'Recipe\(\s*"([\w-]+)"', source)
    assert len(packages) == len(SERVERS)
    assert [package for package in packages if package not in ci] == []
