"""Servers for the client's tests: a small one that misbehaves in one named way, and the lab's own, as processes.

`python tests/support/echo.py MODE [HOST]` prints `PORT\n` when it listens and ends when its standard input does.
Each connection has a thread. MODE is one of the functions in MODES; it gets the accepted socket.
"""

import contextlib
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

LONG = 30.0  # seconds: longer than any test waits


def echo(peer: socket.socket) -> None:
    while data := peer.recv(65536):
        peer.sendall(data)


def full(peer: socket.socket) -> None:
    peer.sendall(b"ERR server full\n")
    _linger(peer)


def drip_full(peer: socket.socket) -> None:
    for byte in b"ERR server full\n":
        peer.sendall(bytes([byte]))
    _linger(peer)


def full_when_spoken_to(peer: socket.socket) -> None:
    peer.recv(1)
    full(peer)


def full_then_reset(peer: socket.socket) -> None:
    peer.recv(1)
    peer.sendall(b"ERR server full\n")
    reset(peer)


def error_line(peer: socket.socket) -> None:
    peer.recv(1)
    peer.sendall(b"ERR message too long\n")
    _linger(peer)


def silent(peer: socket.socket) -> None:
    while peer.recv(65536):
        pass


def unread(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    threading.Event().wait(LONG)


def close_at_once(peer: socket.socket) -> None:
    peer.close()


def close_when_spoken_to(peer: socket.socket) -> None:
    peer.recv(65536)


def reset_when_spoken_to(peer: socket.socket) -> None:
    peer.recv(65536)
    reset(peer)


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def part_then_close(peer: socket.socket) -> None:
    peer.sendall(peer.recv(65536)[:3])


def part_then_silence(peer: socket.socket) -> None:
    peer.sendall(peer.recv(65536)[:3])
    silent(peer)


def short(peer: socket.socket) -> None:
    peer.sendall(peer.recv(65536)[:3] + b"\n")
    silent(peer)


def longer(peer: socket.socket) -> None:
    peer.sendall(peer.recv(65536).rstrip(b"\n") + b"!\n")
    silent(peer)


def wrong(peer: socket.socket) -> None:
    peer.recv(65536)
    peer.sendall(b"something else\n")
    silent(peer)


def endless(peer: socket.socket) -> None:
    peer.recv(65536)
    while True:
        peer.sendall(b"x" * 65536)


def twice(peer: socket.socket) -> None:
    while data := peer.recv(65536):
        peer.sendall(data * 2)


def push(peer: socket.socket) -> None:
    peer.sendall(b"nobody asked\n")
    silent(peer)


def push_then_close(peer: socket.socket) -> None:
    peer.sendall(b"nobody asked\n")


def push_part(peer: socket.socket) -> None:
    peer.sendall(b"nobody asked")
    silent(peer)


def one_answer(peer: socket.socket) -> None:
    peer.sendall(peer.recv(65536))


def pieces(peer: socket.socket) -> None:
    while data := peer.recv(65536):
        for byte in data:
            peer.sendall(bytes([byte]))


def _linger(peer: socket.socket) -> None:
    peer.shutdown(socket.SHUT_WR)
    silent(peer)


MODES: dict[str, Callable[[socket.socket], None]] = {
    mode.__name__: mode
    for mode in (
        echo,
        full,
        drip_full,
        full_when_spoken_to,
        full_then_reset,
        error_line,
        silent,
        unread,
        close_at_once,
        close_when_spoken_to,
        reset_when_spoken_to,
        reset,
        part_then_close,
        part_then_silence,
        short,
        longer,
        wrong,
        endless,
        twice,
        push,
        push_then_close,
        push_part,
        one_answer,
        pieces,
    )
}


@contextlib.contextmanager
def running(mode: str, host: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """The server as a process; gives its host and port."""
    command = [sys.executable, str(Path(__file__)), mode, host]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield host, int(process.stdout.readline())
        finally:
            process.kill()


@contextlib.contextmanager
def lab_server(*flags: str) -> Iterator[tuple[str, int]]:
    """The lab's server on free ports; gives its host and port."""
    command = [sys.executable, "-m", "server", "--port", "0", "--admin-port", "0", *flags]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            yield "127.0.0.1", _announced(process.stdout)
        finally:
            process.kill()


def _announced(lines: Iterable[str]) -> int:
    seen = []
    for line in lines:
        seen.append(line)
        if found := re.search(r"listening on 127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError(f"the server ended without listening: {seen}")


def serve(mode: str, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family, backlog=1024)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=_accept, args=(listener, MODES[mode]), daemon=True).start()
    sys.stdin.read()


def _accept(listener: socket.socket, mode: Callable[[socket.socket], None]) -> None:
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=_talk, args=(peer, mode), daemon=True).start()


def _talk(peer: socket.socket, mode: Callable[[socket.socket], None]) -> None:
    with peer, contextlib.suppress(OSError):
        mode(peer)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
