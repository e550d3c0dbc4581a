"""The tutorial's select server, with its flood mended: a socket is in `outputs` only while it has something to send.

python tutorial.py     the first line on stderr says where it listens

As the tutorial has it: `select.select` on lists of socket objects, `inputs` and `outputs`, a queue of messages for each
socket, `recv(1024)`. Beside the flood two things are mended: it keeps what a short send left over, and does not print.
"""

import select
import socket
import sys
from collections import deque


class Tutorial:
    """One listener, and its connections."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.server.setblocking(False)
        self.inputs = [self.server]
        self.outputs: list[socket.socket] = []
        self.messages: dict[socket.socket, deque[bytes]] = {}

    def serve(self) -> None:
        """Echo until ended."""
        while True:
            readable, writable, _ = select.select(self.inputs, self.outputs, self.inputs)
            for ready in readable:
                if ready is self.server:
                    self.accept()
                else:
                    self.read(ready)
            for ready in writable:
                if ready in self.messages:  # else it was closed a moment ago
                    self.write(ready)

    def accept(self) -> None:
        """Take one connection."""
        connection, _ = self.server.accept()
        connection.setblocking(False)
        self.inputs.append(connection)
        self.messages[connection] = deque()

    def read(self, connection: socket.socket) -> None:
        """Take what has come as a message."""
        try:
            data = connection.recv(1024)
        except OSError:
            data = b""
        if not data:
            self.close(connection)
            return
        self.messages[connection].append(data)
        if connection not in self.outputs:
            self.outputs.append(connection)

    def write(self, connection: socket.socket) -> None:
        """Send the oldest message; the last one takes the connection off the list."""
        waiting = self.messages[connection]
        try:
            sent = connection.send(waiting[0])
        except OSError:
            self.close(connection)
            return
        if sent < len(waiting[0]):
            waiting[0] = waiting[0][sent:]
            return
        waiting.popleft()
        if not waiting:
            self.outputs.remove(connection)

    def close(self, connection: socket.socket) -> None:
        """Forget it."""
        self.inputs.remove(connection)
        if connection in self.outputs:
            self.outputs.remove(connection)
        del self.messages[connection]
        connection.close()


def main() -> None:
    """Say where it listens, then serve."""
    tutorial = Tutorial()
    sys.stderr.write("listening on {}:{}\n".format(*tutorial.server.getsockname()))
    sys.stderr.flush()
    tutorial.serve()


if __name__ == "__main__":
    main()
