"""Open sockets through a channel: each arrives once, unchanged, or stays with the sender."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator

import pytest

from server.processes.channel import END, MAX_SOCKETS_PER_MESSAGE, Channel, receive
from server.system import limits


@pytest.fixture
def channel() -> Iterator[Channel]:
    made = Channel()
    yield made
    made.close()


def pairs(count: int) -> tuple[list[socket.socket], list[socket.socket]]:
    """Return sockets to send, and the other end of each."""
    made = [socket.socketpair() for _ in range(count)]
    for sock, _ in made:
        sock.setblocking(False)
    return [sock for sock, _ in made], [peer for _, peer in made]


def test_sent_sockets_arrive_in_order_and_are_closed_by_the_sender(channel: Channel) -> None:
    before = limits.open_descriptors()
    sockets, peers = pairs(3)
    channel.send_sockets(sockets)
    assert [sock.fileno() for sock in sockets] == [-1] * 3
    handed, came = receive(channel.child_end) or END
    assert handed == len(came) == 3
    for fd, peer in zip(came, peers, strict=True):
        peer.sendall(b"to this one")
        assert os.read(fd, 100) == b"to this one"
        assert not os.get_inheritable(fd)
        os.close(fd)
        assert peer.recv(1) == b""  # No other copy is open.
        peer.close()
    assert limits.open_descriptors() == before


def test_a_non_blocking_socket_arrives_non_blocking(channel: Channel) -> None:
    sockets, peers = pairs(1)
    channel.send_sockets(sockets)
    _, (fd,) = receive(channel.child_end) or END
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd) as sock, peers[0], pytest.raises(BlockingIOError):
        sock.recv(1)


def test_an_empty_channel_is_not_the_end(channel: Channel) -> None:
    assert receive(channel.child_end) is None
    channel.parent_end.close()
    assert receive(channel.child_end) == END


def test_an_end_with_unread_messages_is_an_end(channel: Channel) -> None:
    channel.child_end.send(b"\1")
    channel.parent_end.close()
    assert receive(channel.child_end) == END


def test_a_message_carries_the_maximum_number_of_sockets(channel: Channel) -> None:
    sockets, peers = pairs(MAX_SOCKETS_PER_MESSAGE)
    channel.send_sockets(sockets)
    handed, came = receive(channel.child_end) or END
    assert handed == len(came) == MAX_SOCKETS_PER_MESSAGE
    for fd, peer in zip(came, peers, strict=True):
        os.close(fd)
        peer.close()


def test_the_sender_can_reclaim_sockets_that_were_not_received(channel: Channel) -> None:
    peers = []
    for _ in range(3):
        sockets, others = pairs(2)
        channel.send_sockets(sockets)
        peers += others
    handed, came = receive(channel.child_end) or END
    taken, back = channel.reclaim()
    assert (handed, taken) == (2, 4)
    assert len(set(came + back)) == 6
    assert channel.reclaim() == (0, [])
    for fd in came + back:
        os.close(fd)
    for peer in peers:
        peer.close()


def test_after_shutdown_the_sockets_in_the_channel_still_arrive(channel: Channel) -> None:
    sockets, others = pairs(1)
    channel.send_sockets(sockets)
    channel.child_end.shutdown(socket.SHUT_RDWR)
    late, peers = pairs(1)
    with pytest.raises(BrokenPipeError):
        channel.send_sockets(late)
    assert late[0].fileno() >= 0
    assert receive(channel.parent_end) == END
    _, (fd,) = receive(channel.child_end) or END
    assert receive(channel.child_end) == END
    os.close(fd)
    for sock in (late[0], *peers, *others):
        sock.close()


def test_a_full_channel_raises_an_error_and_loses_nothing(channel: Channel) -> None:
    handed = 0
    while True:
        sockets, peers = pairs(1)
        peers[0].close()
        try:
            channel.send_sockets(sockets)
        except BlockingIOError:
            break
        handed += 1
    assert sockets[0].fileno() >= 0
    sockets[0].close()
    taken, back = channel.reclaim()
    assert taken == len(back) == handed
    for fd in back:
        os.close(fd)


def test_out_of_descriptors_the_number_of_lost_sockets_is_known(channel: Channel) -> None:
    sockets, peers = pairs(10)
    channel.send_sockets(sockets)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = os.dup(0)
    os.close(last)
    resource.setrlimit(resource.RLIMIT_NOFILE, (last + 1, hard))
    try:
        handed, came = receive(channel.child_end) or END
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert handed == 10
    assert came == [last]
    os.close(last)
    for peer in peers:
        peer.close()
