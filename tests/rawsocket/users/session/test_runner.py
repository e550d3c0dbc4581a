"""Pacing and its counts on a simulated clock: due, sent, late and unsent messages, exact to the last one."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported


import pytest

from rawsocket.engine import schedule
from rawsocket.errors import Closed, NotConnected, RawSocketError, Refused, ReplyTimeout
from rawsocket.measurement.histogram import quantiles
from rawsocket.users import reconnect
from rawsocket.users.session.runner import Session
from rawsocket.users.session.slots import STOPPED
from rawsocket.users.steps import Connect, Request, Wait
from tests.support.simulated_sessions import PERIOD, check, hold, times, visit
from tests.support.simulation import SimulatedUser, Simulation


def test_messages_are_due_on_a_fixed_grid(simulation: Simulation):
    user = SimulatedUser(simulation, hold())
    begin = simulation.now
    simulation.run(begin + 10.05)
    assert simulation.recorder.answered == 100
    assert simulation.recorder.late == 0
    user.runner.end()
    assert check(simulation)["due"] == 100
    # Latency from due equals latency from sent if the server answers in time, by the simulated clock.
    assert set(times(simulation)["due"]) <= {999, 1000, 1001}


def test_stall_shows_in_latency_from_due_and_hardly_from_sent(simulation: Simulation):
    simulation.stalls = [(1002.0, 1004.0)]
    user = SimulatedUser(simulation, hold())
    simulation.run(simulation.now + 10.05)
    user.runner.end()
    messages = check(simulation)
    # Twenty slots passed in the stall. One message was in flight; the nineteen others went out late, one by one.
    assert (messages["due"], messages["answered"], messages["late"]) == (100, 100, 20 - 1)
    latencies = times(simulation)
    assert sum(n for us, n in latencies["sent"].items() if us > 2_000) == 1
    assert max(latencies["sent"]) > 1_900_000
    late = sorted(us for us, n in latencies["due"].items() for _ in range(n))[-20:]
    assert late == pytest.approx([number * 1e5 - 5e4 for number in range(1, 21)], abs=25_000)


def test_stall_at_the_end_of_the_run_loses_no_slot(simulation: Simulation):
    simulation.stalls = [(1002.0, 1e9)]
    user = SimulatedUser(simulation, hold())
    simulation.run(1004.05)
    user.runner.end()
    messages = check(simulation)
    assert messages["due"] == 40
    assert messages["unanswered_by"] == {"client": 1}
    assert messages["unsent"] == {STOPPED: 19}
    assert messages["answered"] == 20


def test_slots_without_a_connection_are_unsent_by_the_name_of_its_failure(simulation: Simulation):
    simulation.config.reply_timeout = 1.0
    simulation.stalls = [(1002.0, 1e9)]
    simulation.refuses = lambda now: Refused() if 1002 < now < 1005 else None
    user = SimulatedUser(simulation, hold())
    simulation.run(1005)
    simulation.stalls = []
    simulation.run(1010.05)
    user.runner.end()
    messages = check(simulation)
    assert messages["due"] == 100
    assert messages["unanswered_by"] == {ReplyTimeout.name: 1}
    # The last failure before the connection came back gives its name to all that passed until then.
    [(reason, unsent)] = messages["unsent"].items()
    assert reason == Refused.name
    assert 28 <= unsent <= 60
    assert messages["answered"] == 100 - unsent - 1


def test_loss_while_waiting_for_a_slot_keeps_the_grid(simulation: Simulation):
    user = SimulatedUser(simulation, hold(period=1.0))
    simulation.run(1002.7)
    assert simulation.recorder.answered == 3
    simulation.sockets[-1].arrive(b"")
    simulation.run(1010.2)
    user.runner.end()
    messages = check(simulation)
    assert messages["due"] == messages["answered"] == 10
    assert simulation.recorder.dropped == {Closed.name: 1}
    assert simulation.recorder.reconnects == 1


def test_message_without_a_slot_is_due_when_sent(simulation: Simulation):
    def closed(user: SimulatedUser) -> Session:
        yield Connect()
        while True:
            yield Wait(PERIOD)
            yield Request(b"x", name="message", expect=b"x")

    simulation.stalls = [(1002.0, 1004.0)]
    user = SimulatedUser(simulation, closed)
    simulation.run(1010.0)
    user.runner.end()
    messages = check(simulation)
    assert (messages["late"], messages["unsent"]) == (0, {})
    assert messages["due"] == messages["sent"] < 82


def test_latency_of_a_visit_from_due_includes_its_connect(simulation: Simulation):
    user = SimulatedUser(simulation, visit)
    simulation.run(1010.2)
    user.runner.end()
    assert check(simulation)["due"] == 10
    assert simulation.recorder.connected == simulation.recorder.closed == 10
    latencies = times(simulation)
    assert min(latencies["due"]) >= min(latencies["sent"]) + 400


def test_visit_that_cannot_connect_is_due_and_unsent(simulation: Simulation, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reconnect, "BACKOFF", 0.01)
    simulation.refuses = lambda now: Refused() if 1003 < now < 1006 else None
    user = SimulatedUser(simulation, visit)
    simulation.run(1010.2)
    user.runner.end()
    messages = check(simulation)
    assert (messages["due"], messages["unsent"]) == (10, {"refused": 3})


@pytest.mark.parametrize("period", [0.05, 0.3, 1 / 3, 1.7])
def test_every_slot_counts_despite_stalls_refusals_and_timeouts(simulation: Simulation, period: float):
    """Stalls, refusals and timeouts at once: every slot up to the end is sent or has its reason."""
    simulation.config.reply_timeout = 0.7
    simulation.stalls = [(1001.0, 1001.5), (1003.0, 1006.0), (1009.0, 1009.2)]
    simulation.refuses = lambda now: Refused() if 1005 < now < 1006.5 else None
    user = SimulatedUser(simulation, hold(period))
    first = schedule.first_slot(1000.0005, period, lambda: 0.5)
    end = 1012.345
    simulation.run(end)
    user.runner.end()
    assert check(simulation)["due"] == schedule.missed(first, period, end)


def test_percentiles_from_due_of_a_two_second_stall(monkeypatch: pytest.MonkeyPatch):
    """The exact p99 from due of 100 connections with 10 messages a second each, 20 s and a stall of 2 s."""
    simulation = Simulation(monkeypatch)
    simulation.stalls = [(1008.0, 1010.0)]
    phases = iter(number / 100 + 0.005 for number in range(100))
    simulation.config.random = lambda: next(phases)
    users = [SimulatedUser(simulation, hold()) for _ in range(100)]
    simulation.run(1020.0)
    for user in users:
        user.runner.end()
    due = times(simulation)["due"]
    total = sum(due.values())
    # A slot that falls into the stall s seconds before its end waits for s: 2,000 values spread evenly from 0 to 2 s,
    # of some 20,000. The highest 1 % are 200 of these, so p99 is at 2 s less a tenth.
    [p99, p999] = quantiles(due, (0.99, 0.999))
    assert total == pytest.approx(20_000, abs=100)
    assert p99 == pytest.approx(1800, rel=0.01)
    assert p999 == pytest.approx(1980, rel=0.01)


def test_failed_step_raises_in_the_session(simulation: Simulation):
    seen: list[BaseException] = []

    def session(user: SimulatedUser) -> Session:
        for step in (Request(b"x"), Request(b"a\nb")):
            try:
                yield step
            except (RawSocketError, ValueError) as error:
                seen.append(error)
            yield from connected(user)
        try:
            yield Connect()
        except RuntimeError as error:
            seen.append(error)
        yield Wait(1)

    def connected(user: SimulatedUser) -> Session:
        if user.runner.connection is None:
            yield Connect()

    user = SimulatedUser(simulation, session)
    simulation.run(1001.0)
    user.runner.end()
    assert [type(error) for error in seen] == [NotConnected, ValueError, RuntimeError]
    check(simulation)


def test_keyboard_interrupt_in_a_session_is_raised(simulation: Simulation):
    def session(user: SimulatedUser) -> Session:
        yield Connect()
        raise KeyboardInterrupt

    user = SimulatedUser(simulation, session)
    with pytest.raises(KeyboardInterrupt):
        simulation.run(1001.0)
    user.runner.end()
    assert user.over
    check(simulation)
