"""Messages that wait for the server when the run stops, on a simulated clock. Reading them changes no count."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import pytest

from rawsocket.errors import Refused
from rawsocket.users.session_runner import STOPPED, Session
from rawsocket.users.steps import Connect, Receive, Request, Send, Wait
from tests.support.reports import once
from tests.support.simulated_sessions import check, hold, visit
from tests.support.simulation import SimulatedUser, Simulation


def ages(user: SimulatedUser, simulation: Simulation) -> list[float]:
    found = user.runner.waiting(simulation.now)
    return [round(age, 3) for age, _ in found.ages] if found else []


def test_each_slot_behind_a_missing_reply_waits(simulation: Simulation):
    simulation.stalls = [(1002.0, 1e9)]
    user = SimulatedUser(simulation, hold())
    simulation.run(1004.02)
    found = user.runner.waiting(simulation.now)
    assert found is not None
    # Slots at 1002.05, 1002.15, ... 1003.95: one message in flight and nineteen that could not be sent.
    assert sorted(ages(user, simulation)) == pytest.approx([0.07 + number / 10 for number in range(20)], abs=0.002)
    assert (found.name, found.owed) == ("message", pytest.approx(1.97, abs=0.002))
    user.runner.end()
    messages = check(simulation)
    assert len(found.ages) == messages["unanswered"] + messages["unsent"][STOPPED]


def test_message_answered_in_time_never_waits(simulation: Simulation):
    user = SimulatedUser(simulation, hold())
    for tick in range(500):
        simulation.run(1000 + tick * 0.0101)  # often enough to see messages in flight
        assert user.runner.waiting(simulation.now) is None
    assert simulation.recorder.answered > 40
    user.runner.end()


@pytest.mark.parametrize("arrived", [b"", b"half a re"])
def test_unread_reply_is_not_owed(simulation: Simulation, arrived: bytes):
    """This process was late, or has not yet seen the end of the connection."""
    simulation.stalls = [(1002.0, 1e9)]
    user = SimulatedUser(simulation, hold())
    simulation.run(1004.0)
    assert user.runner.waiting(simulation.now) is not None
    simulation.sockets[-1].inbound.append(arrived)
    assert user.runner.waiting(simulation.now) is None
    user.runner.end()


def test_due_slot_without_an_owed_reply_does_not_wait(simulation: Simulation):
    user = SimulatedUser(simulation, hold(period=1.0))
    simulation.run(1003.2)
    simulation.now = 1007.0  # the hub was blocked
    assert user.runner.waiting(simulation.now) is None
    user.runner.end()


def test_slots_without_a_connection_do_not_wait(simulation: Simulation):
    """They count as unsent, by the failure that closed the connection."""
    simulation.config.reply_timeout = 1.0
    simulation.stalls = [(1002.0, 1e9)]
    simulation.refuses = lambda now: Refused() if now > 1002 else None
    user = SimulatedUser(simulation, hold())
    simulation.run(1003.0)
    assert len(ages(user, simulation)) > 5
    simulation.run(1005.0)
    assert simulation.recorder.failures > 0
    assert ages(user, simulation) == []
    user.runner.end()
    check(simulation)


def test_only_slots_due_since_a_reconnect_wait(simulation: Simulation):
    simulation.config.reply_timeout = 1.0
    simulation.stalls = [(1002.0, 1e9)]
    user = SimulatedUser(simulation, hold())
    simulation.run(1008.02)
    waiting = ages(user, simulation)
    assert 0 < max(waiting) <= simulation.now - user.runner.connection.connected_at
    before = sum(simulation.recorder.unsent.values())
    user.runner.end()
    messages = check(simulation)
    assert messages["unsent"][STOPPED] + messages["unanswered_by"]["client"] == len(waiting)
    assert sum(messages["unsent"].values()) >= before


def test_a_visit_waits_for_its_connect(simulation: Simulation):
    user = SimulatedUser(simulation, visit)
    simulation.run(1003.5002)
    simulation.now = 1006.7  # the server has not accepted it
    found = user.runner.waiting(simulation.now)
    assert found is not None
    assert (found.name, [(round(age, 1), n) for age, n in found.ages]) == ("", once([3.2, 2.2, 1.2, 0.2]))
    user.runner.end()


def test_messages_in_flight_without_slots_wait(simulation: Simulation):
    def pipelined(user: SimulatedUser) -> Session:
        yield Connect()
        for number in range(3):
            yield Request(b"%d" % number, name="message", expect=b"%d" % number, inflight=4)
        yield Wait(1000)

    simulation.stalls = [(1000.0, 1e9)]
    user = SimulatedUser(simulation, pipelined)
    simulation.run(1002.0)
    assert ages(user, simulation) == pytest.approx([2.0] * 3, abs=0.002)
    user.runner.end()
    check(simulation)


def test_silent_hold_does_not_wait(simulation: Simulation):
    def silent(user: SimulatedUser) -> Session:
        yield Connect()
        yield Wait(1000)

    user = SimulatedUser(simulation, silent)
    simulation.run(1100.0)
    assert user.runner.waiting(simulation.now) is None
    user.runner.end()


@pytest.mark.parametrize(("expect", "receives", "waiting"), [(None, False, 0), (None, True, 1), (b"yes", False, 1)])
def test_message_without_an_expected_reply_waits_only_during_a_receive(
    simulation: Simulation, expect: bytes | None, receives: bool, waiting: int
):
    def session(user: SimulatedUser) -> Session:
        yield Connect()
        yield Send(b"news", name="message", expect=expect)
        yield Receive() if receives else Wait(1000)

    simulation.stalls = [(1000.0, 1e9)]
    user = SimulatedUser(simulation, session)
    simulation.run(1003.0)
    assert len(ages(user, simulation)) == waiting
    user.runner.end()
    check(simulation)
