"""TLS that begins on an open connection. Each test runs with both kinds of users."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import ssl
from collections.abc import Generator
from typing import Any

import pytest

from rawsocket.engine.tls.configuration import Tls
from rawsocket.errors import TlsFailed
from rawsocket.users.steps import Connect, Request, Send, StartTls
from tests.support import certificates
from tests.support.facades import BOTH, Facade, echo

pytestmark = [BOTH, pytest.mark.usefixtures("long_timeouts", "files")]

Script = Generator[Any, Any, Any]


@pytest.fixture(scope="module")
def files() -> None:
    """The certificates exist before a session runs, which must not wait for a program."""
    certificates.server()


def upgrading(sock: Any) -> None:
    assert sock.recv(100) == b"STARTTLS\n"
    sock.sendall(b"220 go\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server())
    with context.wrap_socket(sock, server_side=True) as encrypted:
        echo(encrypted)


def script() -> Script:
    yield Connect()
    yield Request(b"STARTTLS", "starttls", expect=b"220 go")
    yield StartTls(Tls(ca=certificates.authority().ca, name="server.test"))
    return [(yield Request(b"hello", expect=b"hello")), (yield Request(b"x" * 60_000, expect=b"x" * 60_000))[:1]]


def test_connection_is_encrypted_from_the_step_on(facade: Facade):
    outcome = facade(upgrading, script)
    assert (outcome.raised, outcome.result) == (None, [b"hello", b"x"])
    assert outcome.count("tls") == 1
    assert outcome.recorder.failures == 0


def test_failed_handshake_is_the_failure_of_the_connection(facade: Facade):
    def plain(sock: Any) -> None:
        sock.recv(100)
        sock.sendall(b"220 go\n")
        sock.recv(1000)
        sock.sendall(b"what?\n" * 100)
        sock.recv(100)

    outcome = facade(plain, script)
    assert isinstance(outcome.raised, TlsFailed)
    assert outcome.recorder.held == 0


def test_handshake_must_wait_for_outstanding_replies(facade: Facade):
    def early() -> Script:
        yield Connect()
        yield Send(b"STARTTLS")
        yield StartTls()

    assert "in flight" in str(facade(echo, early).raised)
