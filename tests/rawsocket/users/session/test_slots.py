"""Messages and slots, whichever comes first."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest

from rawsocket.users.steps import (
    Connect,
    Due,
    Receive,
    Request,
    Wait,
)
from tests.support.facades import Facade, lines, run_session

pytestmark = pytest.mark.usefixtures("long_timeouts")

Script = Generator[Any, Any, Any]

run = Facade(run_session)


def test_receive_until_a_slot_returns_a_message_or_none_whichever_comes_first():
    def server(sock: Any) -> None:
        for line in lines(sock):
            sock.sendall(b"push\n" + line + b"\n")

    def script() -> Script:
        yield Connect()
        got: list[bytes | None] = []
        while len(got) < 6:
            message = yield Receive(until=Due(0.1))
            got.append(message)
            if message is None:
                yield Request(b"own", "own", b"own")
        return got

    outcome = run(server, script, handlers=SimpleNamespace(is_push=lambda message: message == b"push"))
    assert outcome.raised is None
    assert outcome.result == [None, b"push", None, b"push", None, b"push"]
    assert outcome.count("own") == 3
    # The due time is the slot; a reply takes far less than the wait for the slot.
    assert max(outcome.seconds["own"]) < 0.09


def test_slot_that_has_passed_comes_before_a_message_that_waits():
    def script() -> Script:
        yield Connect()
        yield Due(0.05)
        yield Wait(0.12)
        return (yield Receive(until=Due(0.05)))

    outcome = run(lambda sock: (sock.sendall(b"push\n"), sock.recv(1)), script, accepts_pushes=True)
    assert (outcome.raised, outcome.result) == (None, None)


def test_loss_during_a_receive_until_a_slot_is_raised():
    def script() -> Script:
        yield Connect()
        yield Receive(until=Due(20))

    outcome = run(lambda sock: sock.close(), script, accepts_pushes=True)
    assert str(outcome.raised) == "closed"
