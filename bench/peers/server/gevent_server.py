"""The simplest echo server with gevent's StreamServer: a greenlet for each connection.

python gevent_server.py     its first line on stderr is its address
"""

import sys

from gevent import socket
from gevent.server import StreamServer


def echo(peer: socket.socket, address: tuple[str, int]) -> None:
    """Send back all data until the end of input."""
    while data := peer.recv(65536):
        peer.sendall(data)


def main() -> None:
    """Listen on a free port of 127.0.0.1 and serve until killed."""
    server = StreamServer(("127.0.0.1", 0), echo, backlog=1024)
    server.start()
    sys.stderr.write(f"listening on 127.0.0.1:{server.server_port}\n")
    sys.stderr.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
