"""Checks of user classes and of plans against a small server in the process of the test. Imports Locust."""

import argparse
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gevent.server import StreamServer
from locust.env import Environment

from rawsocket.check.dialogue import Dialogue
from rawsocket.check.player import check
from tests.support.local_run import LONG

Serve = Callable[[socket.socket], None]


def answering(replies: Mapping[bytes, bytes], greeting: bytes = b"", closes_after: bytes = b"") -> Serve:
    """A server that answers each of these messages with its reply, however they come."""

    def serve(peer: socket.socket) -> None:
        if greeting:
            peer.sendall(greeting)
        came = b""
        while data := peer.recv(65536):
            came += data
            while found := next((message for message in replies if came.startswith(message)), b""):
                came = came[len(found) :]
                peer.sendall(replies[found])
                if found == closes_after:
                    return

    return serve


@contextlib.contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """Run a server for the block; its address as a target."""
    server = StreamServer(("127.0.0.1", 0), lambda peer, _: serve(peer))
    server.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.stop(timeout=LONG)


def environment(url: str, user_class: type[Any], **options: Any) -> Environment:
    """The environment of a check, with long timeouts unless others are given."""
    found = Environment(user_classes=[user_class], host=url)
    found.parsed_options = argparse.Namespace(**({"timeout": LONG} | options))
    return found


def checked(user_class: type[Any], serve: Serve, **options: Any) -> Dialogue:
    """Play one round of a user class against a server."""
    with serving(serve) as url:
        return check(user_class, environment(url, user_class, **options), "mine")


def parts(dialogue: Dialogue, *kinds: str) -> list[Any]:
    """The texts of the entries of these kinds, or their bytes."""
    return [entry.data or entry.text for entry in dialogue.entries if entry.kind in kinds]
