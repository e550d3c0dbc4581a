"""Sessions that raise: what is due meanwhile is not the server's delay."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import pytest

from rawsocket.users import reconnect
from rawsocket.users.session.runner import Session
from rawsocket.users.steps import Close, Connect, Due, Request
from tests.support.simulated_sessions import PERIOD, check, times
from tests.support.simulation import SimulatedUser, Simulation


def test_slots_in_the_back_off_of_a_crashed_session_are_unsent(simulation: Simulation, monkeypatch: pytest.MonkeyPatch):
    """They are no latency of the server: the session itself raised."""
    monkeypatch.setattr(reconnect, "BACKOFF", 4.0)
    crashes = [True, False]

    def session(user: SimulatedUser) -> Session:
        yield Connect()
        while True:
            yield Due(PERIOD)
            yield Request(b"x", name="message", expect=b"x")
            if crashes.pop(0) if crashes else False:
                raise LookupError

    class Tolerant(SimulatedUser):
        def report_error(self, error: BaseException, place: object = None) -> None:
            assert isinstance(error, LookupError)

    user = Tolerant(simulation, session)
    simulation.run(simulation.now + 10.05)
    user.runner.end()
    messages = check(simulation)
    assert messages["due"] == 100
    assert messages["unsent"]["scenario"] >= 15
    assert messages["late"] == 0
    assert max(times(simulation)["due"]) < 3 * max(times(simulation)["sent"] or {1: 1}) + 2_000


def test_crashed_visit_does_not_catch_up(simulation: Simulation, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reconnect, "BACKOFF", 8.0)
    crashes = [True]

    def session(user: SimulatedUser) -> Session:
        while True:
            yield Due(1.0)
            if crashes.pop() if crashes else False:
                raise LookupError
            yield Connect()
            yield Request(b"x", name="message", expect=b"x")
            yield Close()

    class Tolerant(SimulatedUser):
        def report_error(self, error: BaseException, place: object = None) -> None:
            assert isinstance(error, LookupError)

    user = Tolerant(simulation, session)
    simulation.run(1010.2)
    user.runner.end()
    messages = check(simulation)
    assert (messages["due"], messages["late"]) == (10, 0)
    assert messages["unsent"]["scenario"] >= 4
