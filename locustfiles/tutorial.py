"""The tutorial's client: opens 20 connections first, then says hello on each, then reads each reply.

Against a server that takes one client at a time (`--model sync`) it shows that everyone waits for one; against
`select` it gets all its answers at once. Each Locust user is one such client, which has 20 connections, and begins
anew EVERY seconds after its end. It sends with the lab's framing: FRAMING=chunk is the tutorial's own (no newline,
one recv). As a plain script, without Locust, it prints what the tutorial's client prints, and needs that framing:

    python locustfiles/tutorial.py [host:port]        (default localhost:8686)
"""

import socket
import sys

CONNECTIONS = 20
TIMEOUT = 10.0  # seconds; the tutorial's own client waits for ever


def greeting(number: int) -> bytes:
    """What connection `number` says."""
    return b"hello from client number %d" % number


def main(arguments: list[str]) -> int:
    """The tutorial's client, as it stands there; gives an exit code."""
    host, _, port = (arguments[0] if arguments else "localhost:8686").rpartition(":")
    if len(arguments) > 1 or not host or not port.isdigit():
        sys.stderr.write("usage: tutorial.py [host:port], for example tutorial.py 127.0.0.1:8686\n")
        return 2
    clients: list[socket.socket] = []
    doubt = ""  # what a reply that does not come may be due to
    try:
        for _ in range(CONNECTIONS):
            clients.append(socket.create_connection((host.strip("[]"), int(port)), TIMEOUT))
        for number, client in enumerate(clients):
            client.send(greeting(number))
        doubt = " (does the server use --framing chunk?)"
        for client in clients:
            sys.stdout.write(f"{client.recv(1024)!r}\n")
            sys.stdout.flush()
            doubt = ""
    except OSError as error:
        sys.stderr.write(f"tutorial: {host}:{port}: {error}{doubt if isinstance(error, TimeoutError) else ''}\n")
        return 1
    finally:
        for client in clients:
            client.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
else:
    from locust import task

    from rawsocket import LabUser
    from rawsocket.wire.payload import reply_to

    class Tutorial(LabUser):
        """Holds 20 connections for the length of one task; its own `client` is the model of them."""

        holds = False
        reconnects = False

        def wait_time(self) -> float:
            """Seconds until the next 20."""
            return self.every

        @task
        def all_at_once(self) -> None:
            """Open all, talk on all, then read from all."""
            clients = [self.another_client() for _ in range(CONNECTIONS)]
            try:
                for client in clients:
                    client.connect()
                for number, client in enumerate(clients):
                    client.send(greeting(number), name="hello")
                for number, client in enumerate(clients):
                    client.receive(expect=reply_to(greeting(number), self.option("app")))
            finally:
                for client in clients:
                    client.close()
