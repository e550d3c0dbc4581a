"""The tutorial's select server, with its flood fixed: a socket is in `outputs` only while it has data to send.

python tutorial.py     its first line on stderr is its address

As the tutorial has it: `select.select` on lists of socket objects, `inputs` and `outputs`, a queue of messages for each
socket, `recv(1024)`. Two more things are fixed: it keeps the rest of a short send, and it does not print.
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
        """Echo until killed."""
        while True:
            readable, writable, _ = select.select(self.inputs, self.outputs, self.inputs)
            for ready in readable:
                if ready is self.server:
                    self.accept()
                else:
                    self.read(ready)
            for ready in writable:
                if ready in self.messages:  # it may have been closed by the loop above
                    self.write(ready)

    def accept(self) -> None:
        """Accept one connection."""
        connection, _ = self.server.accept()
        connection.setblocking(False)
        self.inputs.append(connection)
        self.messages[connection] = deque()

    def read(self, connection: socket.socket) -> None:
        """Receive data as one message."""
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
        """Send the oldest message; after the last one the connection leaves the list."""
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
        """Close a connection."""
        self.inputs.remove(connection)
        if connection in self.outputs:
            self.outputs.remove(connection)
        del self.messages[connection]
        connection.close()


def main() -> None:
    """Log the address, then serve."""
    tutorial = Tutorial()
    sys.stderr.write("listening on {}:{}\n".format(*tutorial.server.getsockname()))
    sys.stderr.flush()
    tutorial.serve()


if __name__ == "__main__":
    main()
