"""An echo server in the process of the test."""

from typing import Any

from gevent.server import StreamServer


class DroppingServer:
    """An echo server in this process that can drop its connections."""

    def __init__(self) -> None:
        self.peers: list[Any] = []
        self.greeting = b""
        self._server = StreamServer(("127.0.0.1", 0), self._talk)
        self._server.start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self._server.server_port}"

    def drop_all(self) -> None:
        while self.peers:
            self.peers.pop().shutdown(2)

    def stop(self) -> None:
        self._server.stop()

    def _talk(self, peer: Any, _address: Any) -> None:
        self.peers.append(peer)
        try:
            if self.greeting:
                peer.sendall(self.greeting)
                return
            while data := peer.recv(65536):
                peer.sendall(data)
        except OSError:
            pass
