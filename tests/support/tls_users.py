"""Both kinds of users against a target with TLS: one connection, some messages, and all events. Imports Locust."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rawsocket.engine.tls.configuration import Tls
from rawsocket.errors import RawSocketError
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.users.session.runner import Session
from rawsocket.users.steps import Connect, Request
from rawsocket.wire.framing import Line
from tests.support import certificates
from tests.support.recording_client import RecordingClient
from tests.support.scripted_user import ScriptedUser, config_for, engine_under_test

Address = tuple[str, int]


@dataclass
class Outcome:
    """The events of a connection, the replies, and the failure that ended it."""

    events: list[tuple[str, str]]
    recorder: Recorder
    replies: list[bytes] = field(default_factory=list)
    failure: BaseException | None = None

    @property
    def detail(self) -> str:
        assert isinstance(self.failure, RawSocketError)
        return self.failure.detail


def trusting(**more: Any) -> Tls:
    """TLS that trusts the certificates of tests."""
    return Tls(ca=certificates.authority().ca, **more)


def session(address: Address, tls: Tls, payloads: Sequence[bytes], connects: int = 1, **timeouts: float) -> Outcome:
    """Run a SessionUser's session."""
    replies: list[bytes] = []

    def script(user: ScriptedUser) -> Session:
        yield Connect()
        for payload in payloads:
            replies.append((yield Request(payload, "message")))

    events: list[tuple[str, str]] = []
    target, framing = Target(*address, True), Line(1 << 21)
    with engine_under_test() as engine:
        for _ in range(connects):
            user = ScriptedUser(lambda user: config_for(engine, user, target, framing, tls=tls, **timeouts), script)
            user.wait_for_end().check()
            events += user.outcomes
    return Outcome(events, user.recorder, replies, user.raised)


def client(address: Address, tls: Tls, payloads: Sequence[bytes], connects: int = 1, **timeouts: float) -> Outcome:
    """Use a RawSocketClient, the client of a RawSocketUser."""
    made = RecordingClient(*address, Line(1 << 21), timeouts, tls)
    outcome = Outcome([], made.recorder)
    try:
        for _ in range(connects):
            made.client.connect()
            for payload in payloads:
                outcome.replies.append(made.client.request(payload, name="message"))
            made.client.close()
    except RawSocketError as failure:
        outcome.failure = failure
    outcome.events = made.outcomes
    made.client.close()
    made.check()
    return outcome


User = Callable[..., Outcome]
USERS: tuple[User, ...] = (session, client)
