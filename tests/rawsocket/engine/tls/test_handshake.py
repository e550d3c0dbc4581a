"""Connections over TLS, of both kinds of users, against a real server."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import itertools
import json
import logging
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from locust import constant, task

from rawsocket import Connect, LabSession, Line, RawSocketUser, Request, Wait
from rawsocket.engine.tls.configuration import Tls
from rawsocket.measurement.recorder import EXAMPLE, RECORDER
from tests.support import certificates, echo
from tests.support.local_run import LONG, Run, wait_until
from tests.support.tls_server import TlsServer
from tests.support.tls_users import USERS, Outcome, User, client, trusting

pytestmark = pytest.mark.usefixtures("long_timeouts")
users = pytest.mark.parametrize("user", USERS, ids=lambda user: user.__name__)
GOOD = [("tls", "ok"), ("connect", "ok"), ("message", "ok")]
FAILED = [("connect", "ok"), ("tls", "tls")]


def against(user: User, server: TlsServer, tls: Tls, payloads: Any = (b"hello",), **more: Any) -> Outcome:
    with server.running() as address:
        return user(address, tls, payloads, **more)


def described(user: User, server: TlsServer, tls: Tls, **more: Any) -> dict[str, Any]:
    """What the server saw of the last connection."""
    outcome = against(user, TlsServer(**{**vars(server), "mode": "describe"}), tls, **more)
    assert outcome.failure is None
    seen: dict[str, Any] = json.loads(outcome.replies[-1])
    return seen


@users
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_handshake_has_a_row_of_its_own(user: User, version: str):
    outcome = against(user, TlsServer(version=version), trusting(), [b"hello"] * 3)
    assert outcome.events == [*GOOD, ("message", "ok"), ("message", "ok")]
    assert outcome.replies == [b"hello"] * 3
    assert outcome.recorder.failures == 0
    times = {name: row.take() for name, row in outcome.recorder.rows.items()}
    assert [len(times["tls"][kind]) for kind in ("sent", "due", "first")] == [1, 0, 0]
    [[handshake_us, _]], [[connect_us, _]] = times["tls"]["sent"], times["connect"]["sent"]
    assert connect_us > 0
    assert 0 < handshake_us < LONG * 1e6


@users
@pytest.mark.parametrize("mode", ["echo", "pieces"])
def test_large_messages_both_ways(user: User, mode: str):
    size = 1 << 20 if mode == "echo" else 1 << 10
    message = bytes(random.Random(1).choices(range(97, 123), k=size))
    outcome = against(user, TlsServer(mode), trusting(), [message] * 2)
    assert outcome.replies == [message] * 2
    assert outcome.recorder.bytes_sent == outcome.recorder.bytes_received == 2 * len(message) + 2


@users
def test_ipv6(user: User):
    assert against(user, TlsServer(host="::1"), trusting()).events == GOOD


@users
def test_line_that_the_server_sends_right_after_the_handshake_is_not_lost(user: User):
    outcome = against(user, TlsServer("full"), trusting())
    assert outcome.events == [("tls", "ok"), ("connect", "server-full"), ("message", "server-full")]


@users
def test_reply_in_the_packet_that_ends_tls_is_read_and_the_end_noticed(user: User):
    outcome = against(user, TlsServer("reply_and_end"), trusting(), [b"one", b"two"])
    assert outcome.replies == [b"one"]
    assert str(outcome.failure) == "closed"


# -- what the server sees --------------------------------------------------------------------------------------


@users
def test_name_is_asked_for_and_compared_with_the_certificate(user: User):
    seen = described(
        user, TlsServer(cert=certificates.authority().issue("one", "DNS:one.test")), trusting(name="one.test")
    )
    assert seen["name"] == "one.test"


@users
def test_protocol_is_negotiated(user: User):
    assert described(user, TlsServer(alpn=("b", "a")), trusting(alpn=("a", "b")))["alpn"] == "b"


@users
def test_minimum_version_is_offered(user: User):
    assert described(user, TlsServer(), trusting(minimum="1.3"))["version"] == "TLSv1.3"


@users
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_client_certificate(user: User, version: str):
    server = TlsServer(client_ca=certificates.authority().ca, version=version)
    cert, key = certificates.split(certificates.authority().issue("client-1"))
    assert described(user, server, trusting(cert=cert, key=key))["client"] == "client-1"


@users
def test_certificate_of_the_users_number(user: User):
    """A user without a number has number 0."""
    server = TlsServer(client_ca=certificates.authority().ca)
    path = certificates.authority().issue("client-0").replace("client-0", "client-{number}")
    assert described(user, server, trusting(cert=path))["client"] == "client-0"


@users
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("resume", [True, False])
def test_later_connects_resume_the_session_if_asked(user: User, version: str, resume: bool):
    tls = trusting(resume=resume, name="server.test")
    assert described(user, TlsServer(version=version), tls, connects=2)["resumed"] is resume


@users
def test_server_that_is_not_verified_need_not_be_trusted(user: User):
    server = TlsServer(cert=certificates.self_signed("self-signed"))
    assert against(user, server, Tls(verify=False)).events == GOOD


# -- failures --------------------------------------------------------------------------------------------------


def self_signed() -> TlsServer:
    return TlsServer(cert=certificates.self_signed("self-signed"))


def of_another_authority() -> TlsServer:
    return TlsServer(cert=certificates.authority("other").issue("server", "IP:127.0.0.1"))


def with_old_tls() -> TlsServer:
    return TlsServer(version="TLSv1_2")


def for_known_clients() -> TlsServer:
    return TlsServer(client_ca=certificates.authority().ca, version="TLSv1_2")


@users
@pytest.mark.parametrize(
    ("server", "more", "detail"),
    [
        (self_signed, {}, "self.signed certificate; set TLS_CA=FILE to this certificate, or TLS_VERIFY=no"),
        (of_another_authority, {}, "unable to get local issuer certificate; set TLS_CA=FILE to the certificate of its"),
        (TlsServer, {"name": "other.test"}, "Hostname mismatch.*; set TLS_NAME to a name that is in the certificate"),
        (with_old_tls, {"minimum": "1.3"}, "the server and `minimum` of Tls have no TLS version in common"),
        (for_known_clients, {}, "TLS_CERT and TLS_KEY"),
    ],
)
def test_each_failure_of_a_handshake_names_its_reason_and_remedy(
    user: User,
    server: Callable[[], TlsServer],
    more: dict[str, str],
    detail: str,
    caplog: pytest.LogCaptureFixture,
):
    outcome = against(user, server(), trusting(**more))
    assert outcome.events == FAILED
    assert str(outcome.failure) == "tls"
    assert re.search(detail, outcome.detail)
    counts = outcome.recorder
    assert (counts.failed, counts.attempted, counts.connected, counts.held) == ({"tls": 1}, 1, 0, 0)
    assert counts.examples["tls"] == outcome.detail[:EXAMPLE]
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert outcome.detail in record.getMessage()


@users
def test_client_certificate_that_tls_1_3_refuses_after_the_handshake_is_tls(user: User):
    server = TlsServer(client_ca=certificates.authority().ca, version="TLSv1_3")
    outcome = against(user, server, trusting(), [b"hello"] * 3)
    assert str(outcome.failure) == "tls"
    assert "the server wants a client certificate: set TLS_CERT and TLS_KEY" in outcome.detail
    assert outcome.events == [("tls", "ok"), ("connect", "tls"), ("message", "tls")]
    assert outcome.recorder.failed == {"tls": 1}


@users
@pytest.mark.parametrize(
    ("mode", "failure", "detail"),
    [
        ("push", "tls", "the target doesn't speak TLS on this port: use tcp://, or another port"),
        ("close_when_spoken_to", "tls", "the server closed the connection"),
        ("reset_when_spoken_to", "reset", "TLS handshake: [Errno 104]"),
        ("echo", "tls", "TLS handshake: "),
        ("silent", "connect-timeout", "the server did not answer: does it speak TLS here?"),
    ],
)
def test_target_that_speaks_no_tls(user: User, mode: str, failure: str, detail: str):
    timeouts = {"connect_timeout": 0.3} if failure == "connect-timeout" else {}
    with echo.running(mode) as address:
        outcome = user(address, trusting(), [b"hello"], **timeouts)
    assert outcome.events == [("connect", "ok"), ("tls", failure)]
    assert str(outcome.failure) == failure
    assert detail in outcome.detail
    assert outcome.recorder.failed == {failure: 1}


def test_missing_file_of_a_user_is_named():
    outcome = against(client, TlsServer(), trusting(cert="/nowhere/{number}.pem"))
    assert outcome.events == FAILED
    assert outcome.detail == "TLS_CERT=/nowhere/0.pem: no such file; give a path that exists where the worker runs"


class Session(LabSession):
    abstract = True
    number = 0

    def session(self) -> Any:
        yield Connect()
        self.seen = yield Request(b"who am I", "message")
        while True:
            yield Wait(LONG)


class Tasks(RawSocketUser):
    abstract = True
    number = 0
    wait_time = constant(LONG)

    @task
    def ask(self) -> None:
        self.seen = self.client.request(b"who am I", name="message")


@pytest.mark.usefixtures("fresh_recorder")
@pytest.mark.parametrize("kind", [Session, Tasks], ids=lambda kind: kind.__name__)
def test_each_user_of_a_class_has_its_own_certificate(kind: type[Any]):
    numbers = itertools.count(1)

    def take_number(user: Any, environment: Any) -> None:
        user.number = next(numbers)
        kind.__init__(user, environment)

    issued = [certificates.authority().issue(f"device-{number}") for number in (1, 2, 3)]
    tls = trusting(cert=issued[0].replace("device-1", "device-{number}"), name="server.test")
    made: Any = type("Mine", (kind,), {"__init__": take_number, "tls": tls, "framing": Line()})
    server = TlsServer("describe", client_ca=certificates.authority().ca)
    with server.running() as (host, port):
        run = Run(made, f"tls://{host}:{port}", every=0, size=20, app="echo", pace="closed", arrivals="even")
        wait_until(lambda: run.row("message") == 3)
        users = [greenlet.args[0] for greenlet in run.runner.user_greenlets]
        assert {json.loads(user.seen)["client"] for user in users} == {"device-1", "device-2", "device-3"}
        assert (run.row("tls"), RECORDER.failed) == (3, {})
        run.stop()
