"""Servers for protocols whose real servers are not installed here. Each counts the messages that it has got."""

from __future__ import annotations

import base64
import hashlib
import re
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 100
    got: Counter[str]

    @property
    def target(self) -> str:
        return f"tcp://127.0.0.1:{self.server_address[1]}"


class Handler(socketserver.StreamRequestHandler):
    server: Server


@contextmanager
def running(handler: type[Handler]) -> Iterator[Server]:
    """Run a server on a free port until the block ends; `got` counts its messages by kind."""
    with Server(("127.0.0.1", 0), handler) as server:
        server.got = Counter()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Modbus(Handler):
    """A device with ten registers."""

    def handle(self) -> None:
        while head := self.rfile.read(8):
            number, protocol, size, unit, function = struct.unpack(">HHHBB", head)
            data = self.rfile.read(size - 2)
            self.server.got[f"function {function}"] += 1
            reply = bytes([20]) + bytes(20) if function == 3 else data
            self.wfile.write(struct.pack(">HHHBB", number, protocol, len(reply) + 2, unit, function) + reply)


class Mllp(Handler):
    """Acknowledges each message by its number."""

    def handle(self) -> None:
        text = b""
        while byte := self.rfile.read(1):
            text += byte
            if text.endswith(b"\x1c\r"):
                assert text[:5] == b"\x0bMSH|", text
                self.server.got["message"] += 1
                self.wfile.write(b"\x0bMSH|^~\\&|A|B|C|D|1||ACK|1|P|2.5\rMSA|AA|%s\r\x1c\r" % text.split(b"|")[9])
                text = b""


class Graphite(Handler):
    """Takes lines with a path, a number and a time."""

    def handle(self) -> None:
        for line in self.rfile:
            assert re.fullmatch(rb"[\w.-]+ \d+ \d+\n", line), line
            self.server.got["metric"] += 1


class WebSocket(Handler):
    """Pings once, and sends each text back."""

    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n"))
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", head)
        assert key, head
        accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.wfile.write(answer + b"Sec-WebSocket-Accept: %s\r\n\r\n\x89\x02hi" % accept)
        while head := self.rfile.read(2):
            assert head[1] & 0x80, "a client's frames have a mask"
            mask, text = self.rfile.read(4), self.rfile.read(head[1] & 0x7F)
            text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
            self.server.got[{1: "text", 8: "close", 10: "pong"}[head[0] & 15]] += 1
            if head[0] & 15 == 1:
                self.wfile.write(bytes([head[0], len(text)]) + text)
