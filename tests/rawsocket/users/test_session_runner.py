"""Pacing and its counts on a simulated clock: due, sent, late and unsent messages, exact to the last one."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Callable

import pytest

from rawsocket.engine import schedule
from rawsocket.errors import Closed, NotConnected, RawSocketError, Refused, ReplyTimeout
from rawsocket.measurement.histogram import quantiles
from rawsocket.users.session_runner import STOPPED, Session
from rawsocket.users.steps import Close, Connect, Due, Receive, Request, Send, Wait
from tests.support.reports import once
from tests.support.simulation import SimulatedUser, Simulation

PERIOD = 0.1


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> Simulation:
    return Simulation(monkeypatch)


def hold(period: float = PERIOD) -> Callable[[SimulatedUser], Session]:
    def session(user: SimulatedUser) -> Session:
        yield Connect()
        while True:
            yield Due(period)
            message = b"%d" % user.message_no
            yield Request(message, name="message", expect=message)

    return session


def visit(user: SimulatedUser) -> Session:
    while True:
        yield Due(1.0)
        yield Connect()
        yield Request(b"x", name="message", expect=b"x")
        yield Close()


def check(simulation: Simulation) -> dict[str, int]:
    """Check the recorder's invariants at the end; return the report's message counts."""
    messages = simulation.recorder.counts().messages.to_wire()
    assert messages["sent"] == messages["answered"] + messages["wrong"] + messages["unanswered"]
    assert messages["due"] == messages["sent"] + sum(messages["unsent"].values())
    assert simulation.recorder.held == 0
    return dict(messages)


def times(simulation: Simulation) -> dict[str, dict[int, int]]:
    """The histograms of the messages, by kind; a second call finds none."""
    [row] = [row for row in simulation.recorder.report().rows if row.name == "message"]
    return {kind: dict(map(tuple, pairs)) for kind, pairs in row.times.to_wire().items()}


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
    monkeypatch.setattr(schedule, "BACKOFF", 0.01)
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


# Messages that wait for the server when the run stops. Reading them changes no count.


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


def test_slots_in_the_back_off_of_a_crashed_session_are_unsent(simulation: Simulation, monkeypatch: pytest.MonkeyPatch):
    """They are no latency of the server: the session itself raised."""
    monkeypatch.setattr(schedule, "BACKOFF", 4.0)
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
    monkeypatch.setattr(schedule, "BACKOFF", 8.0)
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
