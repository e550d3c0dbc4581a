"""The floor: a bare `select.epoll` client. No framing, no checks, no statistics.

python floor.py HOST PORT CONNECTIONS EVERY     seconds between two messages of a connection, evenly spread; 0: at once

It waits a moment before it connects, so that what it weighs idle can be seen, and runs until it is ended.
"""

import select
import socket
import sys
import time

LINE = b"hello from the bench\n"
PAUSE_S = 0.7  # long enough to be looked at
GRID_S = 0.001  # the finest that epoll's time-out knows


def main(host: str, port: int, connections: int, every: float) -> None:
    """Connect, then send the same line over and over."""
    time.sleep(PAUSE_S)
    poller = select.epoll()
    peers: dict[int, socket.socket] = {}
    for _ in range(connections):
        peer = socket.create_connection((host, port))
        peer.setblocking(False)
        peers[peer.fileno()] = peer
        poller.register(peer.fileno(), select.EPOLLIN)
    if every:
        paced(poller, peers, every)
    else:
        closed(poller, peers)


def closed(poller: select.epoll, peers: dict[int, socket.socket]) -> None:
    """The next message whenever the last one came back."""
    for peer in peers.values():
        peer.send(LINE)
    calls = {fd: (peer.recv, peer.send) for fd, peer in peers.items()}
    poll, line = poller.poll, LINE
    while True:
        for fd, _ in poll():
            recv, send = calls[fd]
            if not recv(65536):
                return
            send(line)


def paced(poller: select.epoll, peers: dict[int, socket.socket], every: float) -> None:
    """Every connection has its turn once in `every` seconds, whatever came back."""
    sends, recvs = [peer.send for peer in peers.values()], {fd: peer.recv for fd, peer in peers.items()}
    started, turn = time.perf_counter(), 0
    while True:
        elapsed = time.perf_counter() - started
        while turn * every < elapsed * len(sends):
            sends[turn % len(sends)](LINE)
            turn += 1
        for fd, _ in poller.poll(GRID_S):
            if not recvs[fd](65536):
                return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
