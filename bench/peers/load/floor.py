"""The floor: a bare `select.epoll` client. No framing, no checks, no statistics.

python floor.py HOST PORT CONNECTIONS EVERY     seconds between two messages of a connection, evenly spread; 0: at once

It waits before it connects, so that its idle memory can be read, and runs until it is killed.
"""

import select
import socket
import sys
import time

LINE = b"hello from the bench\n"
PAUSE_S = 0.7  # long enough for its memory to be read
GRID_S = 0.001  # the resolution of epoll's timeout


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
    """Send the next message when the last one has come back."""
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
    """Send on each connection once in `every` seconds, without waiting for replies."""
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
