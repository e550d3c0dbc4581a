"""The plainest echo server by gevent's StreamServer: a greenlet for each connection.

python gevent_server.py     the first line on stderr says where it listens
"""

import sys

from gevent import socket
from gevent.server import StreamServer


def echo(peer: socket.socket, address: tuple[str, int]) -> None:
    """Send back whatever comes, until the peer ends."""
    while data := peer.recv(65536):
        peer.sendall(data)


def main() -> None:
    """Listen on a free port of 127.0.0.1 and serve until ended."""
    server = StreamServer(("127.0.0.1", 0), echo, backlog=1024)
    server.start()
    sys.stderr.write(f"listening on 127.0.0.1:{server.server_port}\n")
    sys.stderr.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
