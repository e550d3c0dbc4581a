"""The servers of echo.py behind TLS, and some that only TLS has, as a process.

`python -m tests.support.tls_server JSON` prints `PORT\n` when it listens and ends when its standard input does. The
JSON has the fields of `TlsServer`.
"""

import contextlib
import dataclasses
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support import certificates, echo

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass
class TlsServer:
    """A server: its mode, its certificate, and whom it accepts (`client_ca`: clients need a certificate of this CA)."""

    mode: str = "echo"
    host: str = "127.0.0.1"
    cert: str = ""
    client_ca: str = ""
    alpn: tuple[str, ...] = ()
    version: str = ""  # the only one, such as TLSv1_2

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert)
        context.sni_callback = _note_name
        if self.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.client_ca)
        if self.alpn:
            context.set_alpn_protocols(list(self.alpn))
        if self.version:
            context.minimum_version = context.maximum_version = ssl.TLSVersion[self.version]
        return context

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[str, int]]:
        """Run it as a process; gives its host and port."""
        self.cert = self.cert or certificates.server()
        command = [sys.executable, "-m", "tests.support.tls_server", json.dumps(dataclasses.asdict(self))]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield self.host, int(process.stdout.readline())
            finally:
                process.kill()


def describe(peer: Any) -> None:
    """Answer each message with a line of JSON on the connection."""
    while peer.recv(65536):
        certificate = peer.getpeercert() or {}
        subject = {key: value for part in certificate.get("subject", ()) for key, value in part}
        seen = {
            "version": peer.version(),
            "name": getattr(peer, "asked_name", None),
            "alpn": peer.selected_alpn_protocol(),
            "client": subject.get("commonName"),
            "resumed": peer.session_reused,
        }
        peer.sendall(json.dumps(seen).encode() + b"\n")


def reply_and_end(peer: Any) -> None:
    """Answer, and send the end of TLS in the same packet, but not the end of TCP."""
    data = peer.recv(65536)
    raw = socket.socket(fileno=peer.fileno())
    raw.setsockopt(socket.IPPROTO_TCP, 3, 1)  # TCP_CORK: both in one packet
    peer.sendall(data)
    with contextlib.suppress(OSError):
        peer.unwrap()
    raw.setsockopt(socket.IPPROTO_TCP, 3, 0)
    threading.Event().wait(echo.LONG)


MODES: dict[str, Callable[[Any], None]] = {**echo.MODES, "describe": describe, "reply_and_end": reply_and_end}


def _note_name(peer: Any, name: str | None, _: ssl.SSLContext) -> None:
    peer.asked_name = name


def serve(server: TlsServer) -> None:
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listener = socket.create_server((server.host, 0), family=family, backlog=1024)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=_accept, args=(listener, server.context(), MODES[server.mode]), daemon=True).start()
    sys.stdin.read()


def _accept(listener: socket.socket, context: ssl.SSLContext, mode: Callable[[Any], None]) -> None:
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=_talk, args=(peer, context, mode), daemon=True).start()


def _talk(peer: socket.socket, context: ssl.SSLContext, mode: Callable[[Any], None]) -> None:
    with peer, contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as secure:
        mode(secure)


if __name__ == "__main__":
    serve(TlsServer(**json.loads(sys.argv[1])))
