"""Open sockets through a channel: they come out as they went in, once, or they are still where they were."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator

import pytest

from server import limits
from server.channel import END, MOST_AT_ONCE, Channel, receive


@pytest.fixture
def channel() -> Iterator[Channel]:
    made = Channel()
    yield made
    made.close()


def pairs(count: int) -> tuple[list[socket.socket], list[socket.socket]]:
    """Return the sockets to be handed over, and the other end of each."""
    made = [socket.socketpair() for _ in range(count)]
    for sock, _ in made:
        sock.setblocking(False)
    return [sock for sock, _ in made], [peer for _, peer in made]


def test_what_is_handed_over_comes_out_in_order_and_is_closed_here(channel: Channel) -> None:
    before = limits.open_descriptors()
    sockets, peers = pairs(3)
    channel.hand(sockets)
    assert [sock.fileno() for sock in sockets] == [-1] * 3
    handed, came = receive(channel.far) or END
    assert handed == len(came) == 3
    for fd, peer in zip(came, peers, strict=True):
        peer.sendall(b"to this one")
        assert os.read(fd, 100) == b"to this one"
        assert not os.get_inheritable(fd)
        os.close(fd)
        assert peer.recv(1) == b""  # Nobody else has it.
        peer.close()
    assert limits.open_descriptors() == before


def test_it_comes_out_non_blocking_as_it_went_in(channel: Channel) -> None:
    sockets, peers = pairs(1)
    channel.hand(sockets)
    _, (fd,) = receive(channel.far) or END
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd) as sock, peers[0], pytest.raises(BlockingIOError):
        sock.recv(1)


def test_nothing_there_is_not_the_end(channel: Channel) -> None:
    assert receive(channel.far) is None
    channel.near.close()
    assert receive(channel.far) == END


def test_the_end_is_the_end_though_something_was_left_unread(channel: Channel) -> None:
    channel.far.send(b"\1")
    channel.near.close()
    assert receive(channel.far) == END


def test_as_many_as_may_be_handed_over_at_once(channel: Channel) -> None:
    sockets, peers = pairs(MOST_AT_ONCE)
    channel.hand(sockets)
    handed, came = receive(channel.far) or END
    assert handed == len(came) == MOST_AT_ONCE
    for fd, peer in zip(came, peers, strict=True):
        os.close(fd)
        peer.close()


def test_who_handed_over_can_take_back_what_was_not_taken(channel: Channel) -> None:
    peers = []
    for _ in range(3):
        sockets, others = pairs(2)
        channel.hand(sockets)
        peers += others
    handed, came = receive(channel.far) or END
    taken, back = channel.take_back()
    assert (handed, taken) == (2, 4)
    assert len(set(came + back)) == 6
    assert channel.take_back() == (0, [])
    for fd in came + back:
        os.close(fd)
    for peer in peers:
        peer.close()


def test_an_end_that_takes_no_more_still_has_what_is_in_the_channel(channel: Channel) -> None:
    sockets, others = pairs(1)
    channel.hand(sockets)
    channel.far.shutdown(socket.SHUT_RDWR)
    late, peers = pairs(1)
    with pytest.raises(BrokenPipeError):
        channel.hand(late)
    assert late[0].fileno() >= 0
    assert receive(channel.near) == END
    _, (fd,) = receive(channel.far) or END
    assert receive(channel.far) == END
    os.close(fd)
    for sock in (late[0], *peers, *others):
        sock.close()


def test_a_full_channel_is_said_and_loses_nothing(channel: Channel) -> None:
    handed = 0
    while True:
        sockets, peers = pairs(1)
        peers[0].close()
        try:
            channel.hand(sockets)
        except BlockingIOError:
            break
        handed += 1
    assert sockets[0].fileno() >= 0
    sockets[0].close()
    taken, back = channel.take_back()
    assert taken == len(back) == handed
    for fd in back:
        os.close(fd)


def test_where_descriptors_do_not_suffice_it_is_known_how_many_are_lost(channel: Channel) -> None:
    sockets, peers = pairs(10)
    channel.hand(sockets)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = os.dup(0)
    os.close(last)
    resource.setrlimit(resource.RLIMIT_NOFILE, (last + 1, hard))
    try:
        handed, came = receive(channel.far) or END
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert handed == 10
    assert came == [last]
    os.close(last)
    for peer in peers:
        peer.close()
