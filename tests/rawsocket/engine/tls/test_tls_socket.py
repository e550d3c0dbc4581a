"""TlsSocket between a socket pair and OpenSSL's own server side."""

import ctypes
import random
import socket
import ssl
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from rawsocket.engine.tls.configuration import Tls
from rawsocket.engine.tls.context import ClientContext
from rawsocket.engine.tls.tls_socket import TlsSocket
from tests.support.tls_pair import Peer, client_context, server_context, tls_pair

VERSIONS = ["TLSv1_2", "TLSv1_3"]
versions = pytest.mark.parametrize("version", VERSIONS)
MEGABYTE = random.Random(1).randbytes(1 << 20)


def send_all(tls: Any, peer: Peer, data: bytes) -> bytes:
    """Send as a connection does: what was not taken is sent again later. Return what the peer has read."""
    rest, got = memoryview(data), b""
    while rest:
        with suppress(BlockingIOError):
            rest = rest[tls.send(rest) :]
        got += peer.read()
    return got + peer.read()


def receive_all(tls: Any, peer: Peer, ciphertext: bytes, size: int) -> bytes:
    """Pass ciphertext on as the kernel takes it; return what is read."""
    got = b""
    rest = memoryview(ciphertext)
    while len(got) < size:
        with suppress(BlockingIOError):
            rest = rest[peer.sock.send(rest[:50_000]) :]
        with suppress(BlockingIOError):
            got += tls.recv(16_384)
    return got


@versions
def test_messages_both_ways(version: str):
    with tls_pair(version) as (tls, peer):
        assert tls.version == version.replace("_", ".")
        assert tls.send(b"hello") == 5
        assert peer.read() == b"hello"
        peer.sock.send(peer.encrypt(b"welcome"))
        assert tls.recv(16_384) == b"welcome"
        with pytest.raises(BlockingIOError):
            tls.recv(16_384)


@versions
def test_large_messages_both_ways(version: str):
    with tls_pair(version) as (tls, peer):
        assert send_all(tls, peer, MEGABYTE) == MEGABYTE
        assert receive_all(tls, peer, peer.encrypt(MEGABYTE), len(MEGABYTE)) == MEGABYTE


def test_unsent_bytes_are_not_encrypted_twice():
    with tls_pair() as (tls, peer):
        sent = tls.send(MEGABYTE)
        assert 0 < sent < len(MEGABYTE)
        for _ in range(3):
            with pytest.raises(BlockingIOError):
                tls.send(MEGABYTE[sent:])
        assert send_all(tls, peer, MEGABYTE[sent:]) == MEGABYTE


def test_bytes_that_are_appended_to_unsent_ones_are_sent_after_them():
    with tls_pair() as (tls, peer):
        taken = 0
        with suppress(BlockingIOError):
            while True:
                taken += tls.send(MEGABYTE[taken : taken + 1000])
        rest = MEGABYTE[taken : taken + 1000] + b"appended"
        assert send_all(tls, peer, rest) == MEGABYTE[:taken] + rest


def test_empty_send_sends_nothing():
    with tls_pair() as (tls, peer):
        assert tls.send(b"") == 0
        assert peer.read() == b""


@versions
def test_ciphertext_in_any_pieces_gives_the_same_plaintext(version: str):
    messages = [b"a", b"b" * 100, b"c" * 5_000, b"d" * 40_000]
    for size in (1, 7, 1000, 4096, 10_000):
        with tls_pair(version) as (tls, peer):
            stream, got = b"".join(peer.encrypt(message) for message in messages), b""
            for at in range(0, len(stream), size):
                peer.sock.send(stream[at : at + size])
                with suppress(BlockingIOError):
                    got += tls.recv(16_384)
            assert got == b"".join(messages)


def test_one_read_returns_all_messages_that_came():
    with tls_pair() as (tls, peer):
        peer.sock.send(b"".join(peer.encrypt(b"%d\n" % number) for number in range(20)))
        assert tls.recv(16_384) == b"".join(b"%d\n" % number for number in range(20))


def test_session_tickets_before_a_message_do_not_hide_it():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        tls, peer = TlsSocket(ours, client_context(), "server.test"), Peer(theirs, server_context())  # type: ignore[arg-type]
        assert not tls.handshake()
        peer.handshake()
        assert tls.handshake(ours.recv(65536))
        peer.take_in()
        peer.tls.do_handshake()
        theirs.send(peer.pass_on() + peer.encrypt(b"first"))  # two tickets and a message
        assert tls.recv(16_384) == b"first"


@versions
def test_close_notify_is_the_end(version: str):
    with tls_pair(version) as (tls, peer):
        peer.sock.send(peer.end())
        assert tls.recv(16_384) == tls.recv(16_384) == b""


def test_message_before_close_notify_is_read_first_and_the_end_is_readable():
    with tls_pair() as (tls, peer):
        peer.sock.send(peer.encrypt(b"last words") + peer.end())
        assert tls.recv(16_384) == b"last words"
        assert tls.recv(1, socket.MSG_PEEK) == b""  # readable, so that a reactor calls again
        assert tls.recv(16_384) == b""


def test_end_of_tcp_is_the_end():
    with tls_pair() as (tls, peer):
        peer.sock.shutdown(socket.SHUT_WR)
        assert tls.recv(16_384) == b""


def test_damaged_record_is_an_error_of_tls_after_the_messages_before_it():
    with tls_pair() as (tls, peer):
        good, bad = peer.encrypt(b"good"), bytearray(peer.encrypt(b"bad"))
        bad[-1] ^= 1
        peer.sock.send(good + bytes(bad))
        assert tls.recv(16_384) == b"good"
        for _ in range(2):
            with pytest.raises(ssl.SSLError, match="DECRYPTION_FAILED_OR_BAD_RECORD_MAC"):
                tls.recv(16_384)
        with pytest.raises(ssl.SSLError):  # the client's alert
            peer.read()


def test_peeking_says_whether_anything_has_come_and_consumes_nothing():
    with tls_pair() as (tls, peer):
        with pytest.raises(BlockingIOError):
            tls.recv(1, socket.MSG_PEEK)
        peer.sock.send(peer.encrypt(b"x"))
        assert tls.recv(1, socket.MSG_PEEK)
        assert tls.recv(16_384) == b"x"


@versions
def test_half_close_ends_sending_but_not_receiving(version: str):
    with tls_pair(version) as (tls, peer):
        tls.send(b"question")
        tls.shutdown(socket.SHUT_WR)
        peer.take_in()
        assert peer.tls.read(100) == b"question"
        assert peer.tls.read(100) == b""
        peer.sock.send(peer.encrypt(b"answer"))
        assert tls.recv(16_384) == b"answer"


def test_close_sends_close_notify_once():
    with tls_pair() as (tls, peer):
        tls.close()
        peer.take_in()
        assert peer.tls.read(100) == b""
        tls.close()


def test_close_with_linger_sends_nothing():
    with tls_pair() as (tls, peer):
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        tls.close()
        peer.take_in()
        with pytest.raises(ssl.SSLWantReadError):
            peer.tls.read(100)


def test_close_after_the_peer_has_gone_raises_nothing():
    with tls_pair() as (tls, peer):
        peer.sock.close()
        tls.close()


def test_options_reach_the_socket_of_the_kernel():
    with tls_pair() as (tls, _):
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        assert tls.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert tls.fileno() > 0


@versions
def test_session_of_a_closed_connection_is_resumed_once(version: str):
    client, server = ClientContext(Tls(resume=True, verify=False)), server_context(version)
    for resumed in (False, True):
        with tls_pair(client=client, server=server) as (tls, _):
            assert (tls.resumed, len(client._sessions)) == (resumed, 0)
            tls.close()
        assert len(client._sessions) == 1


def test_session_is_not_kept_unless_asked():
    client = ClientContext(Tls(verify=False))
    with tls_pair(client=client) as (tls, _):
        tls.close()
    assert len(client._sessions) == 0


class MallInfo(ctypes.Structure):
    """What mallinfo2() of glibc returns."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in (*"abcdefg", "in_use", *"hi"))


def test_handshake_and_tickets_leave_no_write_buffer_behind():
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo is None:
        pytest.skip("this C library has no mallinfo2()")
    mallinfo.restype = MallInfo
    with ExitStack() as stack:
        pairs = [stack.enter_context(tls_pair("TLSv1_3")) for _ in range(20)]
        for tls, peer in pairs:
            peer.sock.send(peer.encrypt(b"welcome"))
            assert tls.recv(16_384) == b"welcome"  # with the tickets of the handshake
        before = mallinfo().in_use
        for tls, _ in pairs:
            tls._ssl.write(b"x")  # frees the buffer, if there is one
            tls._outgoing.read()
        assert before - mallinfo().in_use < len(pairs) * 4096
