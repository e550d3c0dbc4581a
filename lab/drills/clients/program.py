"""The extra clients of a drill: a program of sockets, which runs where the load runs and imports nothing of ours.

    python3 -c "$(cat program.py)" '{"what": "read-slowly", "host": ..., "port": ..., "count": 20, ...}'

It writes {"ready": true} once each client has connected or failed, and its figures as JSON at the end: when its input
ends (the drill has healed, or the lab was killed), after `lasts` seconds (the lab hangs), or once all of them have
ended. A client is a thread.
"""

import base64
import contextlib
import json
import os
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

READ_SLOWLY, WRITE_SLOWLY, GARBAGE, ARRIVE = "read-slowly", "write-slowly", "garbage", "arrive"
SLOW = 10  # bytes a second that a slow reader reads
SMALL_BUFFER = 4096
LOOK_S = 0.1
MOST = 1 << 20  # bytes of one connection
EACH_TURN = 1 << 16  # bytes that a slow reader sends a second: it asks for much, and must be no load by itself
# A line that never ends, for a server of lines; no length, magic number or word of other protocols begins so.
BYTES = b"\xff\xfe\xfd\xfc" * 1024


class Clients:
    """The clients and what became of them. `asked`: the arguments of the program."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        found = socket.getaddrinfo(asked["host"], asked["port"], type=socket.SOCK_STREAM)
        self._family, self._address = found[0][0], found[0][4]
        self.over = threading.Event()
        self.figures: dict[str, Any] = dict.fromkeys(("opened", "messages", "sent", "received", "closed"), 0)
        self.figures |= {"failed": {}, "rejected": 0, "served": 0, "times": []}
        self._lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        """Count something."""
        with self._lock:
            self.figures[name] += count

    def open(self) -> socket.socket | None:
        """Connect; None if that fails, and its name is counted."""
        begun, one = time.monotonic(), socket.socket(self._family)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            one.settimeout(self.asked["timeout"])
            one.connect(self._address)
        except OSError as error:
            with self._lock:
                name = "refused" if isinstance(error, ConnectionRefusedError) else type(error).__name__
                self.figures["failed"][name] = self.figures["failed"].get(name, 0) + 1
            one.close()
            return None
        with self._lock:
            self.figures["opened"] += 1
            self.figures["times"].append(round(time.monotonic() - begun, 3))
        return one

    def encrypted(self, one: socket.socket) -> socket.socket:
        """Return the connection with TLS if the server speaks it; whose certificate it has does not matter here."""
        if not self.asked["tls"]:
            return one
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(one)

    def send(self, one: socket.socket, data: bytes) -> int:
        """Send what the kernel takes in time; return how much that was."""
        try:
            taken = one.send(data)
        except TimeoutError:
            return 0
        self.add("sent", taken)
        return taken

    def read_slowly(self, one: socket.socket) -> None:
        """Ask for more than the kernels of both sides keep, and read a few bytes of the replies each second."""
        one.settimeout(LOOK_S)
        message = base64.b64decode(self.asked["message"])
        rest, sent, turns = message, 0, 0
        while not (turns and self.over.is_set()):  # each has sent something, however soon the end comes
            turns += 1
            while sent < min(MOST, turns * EACH_TURN) and (taken := self.send(one, rest)):
                sent += taken
                rest = rest[taken:] or message
                self.add("messages", rest is message)
            self.read(one, SLOW)
            self.over.wait(1.0)

    def write_slowly(self, one: socket.socket) -> None:
        """Send a byte each second of a message that never ends."""
        one.settimeout(LOOK_S)
        while True:
            self.send(one, b"x")
            until = time.monotonic() + 1.0
            while not self.over.is_set() and time.monotonic() < until:
                self.read(one, SMALL_BUFFER)
            if self.over.is_set():
                return

    def arrive(self, one: socket.socket) -> None:
        """Ask once, if there is a message, and stay unless it is refused: what comes first is the reply then."""
        one.settimeout(LOOK_S)
        message = base64.b64decode(self.asked["message"])
        self.add("messages", bool(message and self.send(one, message)))
        while not self.over.is_set():
            # At the end the others leave, and those that have waited get their places.
            if (came := self.read(one, SMALL_BUFFER)) and not self.over.is_set():
                if came != message:
                    return self.add("rejected")
                self.add("served")
                self.over.wait()

    def read(self, one: socket.socket, most: int) -> bytes:
        """Return what comes in a moment, b"" if nothing does. Raises ConnectionError at the end of the stream."""
        try:
            came = one.recv(most)
        except TimeoutError:
            return b""
        if not came:
            raise ConnectionError("closed")
        self.add("received", len(came))
        return came

    def garbage(self, one: socket.socket) -> None:
        """Send bytes until the server answers or closes, as it has to."""
        sent = 0
        while sent < MOST and not select.select([one], [], [], 0)[0]:
            sent += self.send(one, BYTES)
        self.add("received", len(one.recv(SMALL_BUFFER)))  # an answer, or the end
        self.add("rejected")

    def live(self, act: Callable[[socket.socket], None], tried: threading.Semaphore) -> None:
        """Be one client until the end; a client that sends garbage comes back each second."""
        garbage = self.asked["what"] == GARBAGE
        while not self.over.is_set():
            plain = self.open()
            tried.release()
            if plain is None and not garbage:
                return
            if plain is not None:
                self.use(plain, act)
            if not garbage:
                return
            self.over.wait(1.0)

    def use(self, plain: socket.socket, act: Callable[[socket.socket], None]) -> None:
        """Do on a connection what its client does, and close it."""
        with contextlib.ExitStack() as closing:
            closing.callback(plain.close)
            try:
                one = plain if self.asked["what"] == GARBAGE else self.encrypted(plain)
                closing.callback(one.close)
                act(one)
            except TimeoutError:
                return
            except OSError:
                self.add("closed")
                self.add("rejected", self.asked["what"] == GARBAGE)


def say(document: dict[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Be the clients until the input ends."""
    asked = json.loads(sys.argv[1])
    clients, tried = Clients(asked), threading.Semaphore(0)
    acts = {
        READ_SLOWLY: clients.read_slowly,
        WRITE_SLOWLY: clients.write_slowly,
        GARBAGE: clients.garbage,
        ARRIVE: clients.arrive,
    }
    threads = [
        threading.Thread(target=clients.live, args=(acts[asked["what"]], tried), daemon=True)
        for _ in range(asked["count"])
    ]
    for thread in threads:
        thread.start()
        time.sleep(asked["between"])
    deadline = time.monotonic() + asked["lasts"]
    for _ in threads:
        tried.acquire(timeout=max(0.0, deadline - time.monotonic()))
    say({"ready": True})
    while time.monotonic() < deadline and any(thread.is_alive() for thread in threads):
        if select.select([0], [], [], LOOK_S)[0] and not os.read(0, 1024):
            break
    clients.over.set()
    for thread in threads:
        thread.join(2 * asked["timeout"])
    say(clients.figures)


if __name__ == "__main__":
    main()
