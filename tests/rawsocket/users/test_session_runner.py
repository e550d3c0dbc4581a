"""Pacing and its accounts on a clock of the test's own: what is due, sent, late and unsent, to the last message."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Callable

import pytest

from rawsocket.engine import schedule
from rawsocket.errors import Closed, RawSocketError, Refused, ReplyTimeout
from rawsocket.measurement.histogram import quantiles
from rawsocket.users.session_runner import STOPPED, Session
from rawsocket.users.steps import Close, Connect, Due, Receive, Request, Send, Wait
from tests.support.reports import once
from tests.support.world import Played, World

PERIOD = 0.1


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def hold(period: float = PERIOD) -> Callable[[Played], Session]:
    def session(user: Played) -> Session:
        yield Connect()
        while True:
            yield Due(period)
            message = b"%d" % user.message_no
            yield Request(message, name="message", expect=message)

    return session


def visit(user: Played) -> Session:
    while True:
        yield Due(1.0)
        yield Connect()
        yield Request(b"x", name="message", expect=b"x")
        yield Close()


def check(world: World) -> dict[str, int]:
    """The recorder's invariants at the end; gives the report's messages."""
    messages = world.recorder.counts().messages.to_wire()
    assert messages["sent"] == messages["answered"] + messages["wrong"] + messages["unanswered"]
    assert messages["due"] == messages["sent"] + sum(messages["unsent"].values())
    assert world.recorder.held == 0
    return dict(messages)


def times(world: World) -> dict[str, dict[int, int]]:
    """The histograms of the messages, by kind; can be had once."""
    [row] = [row for row in world.recorder.report().rows if row.name == "message"]
    return {kind: dict(map(tuple, pairs)) for kind, pairs in row.times.to_wire().items()}


def test_messages_are_due_on_a_fixed_grid(world: World):
    user = Played(world, hold())
    begin = world.now
    world.run(begin + 10.05)
    assert world.recorder.answered == 100
    assert world.recorder.late == 0
    user.runner.end()
    assert check(world)["due"] == 100
    # From due and from sent are the same where the server answers in time, to the world's clock.
    assert set(times(world)["due"]) <= {999, 1000, 1001}


def test_a_stall_is_felt_from_due_and_hardly_from_sent(world: World):
    world.stalls = [(1002.0, 1004.0)]
    user = Played(world, hold())
    world.run(world.now + 10.05)
    user.runner.end()
    messages = check(world)
    # Twenty slots passed in the stall. One message was in flight; the nineteen others went out late, one by one.
    assert (messages["due"], messages["answered"], messages["late"]) == (100, 100, 20 - 1)
    felt = times(world)
    assert sum(n for us, n in felt["sent"].items() if us > 2_000) == 1
    assert max(felt["sent"]) > 1_900_000
    late = sorted(us for us, n in felt["due"].items() for _ in range(n))[-20:]
    assert late == pytest.approx([number * 1e5 - 5e4 for number in range(1, 21)], abs=25_000)


def test_a_slot_is_not_lost_by_a_stall_that_goes_on_when_the_run_ends(world: World):
    world.stalls = [(1002.0, 1e9)]
    user = Played(world, hold())
    world.run(1004.05)
    user.runner.end()
    messages = check(world)
    assert messages["due"] == 40
    assert messages["unanswered_by"] == {"client": 1}
    assert messages["unsent"] == {STOPPED: 19}
    assert messages["answered"] == 20


def test_slots_that_pass_while_the_connection_is_lost_are_unsent_by_that_name(world: World):
    world.config.reply_timeout = 1.0
    world.stalls = [(1002.0, 1e9)]
    world.refuses = lambda now: Refused() if 1002 < now < 1005 else None
    user = Played(world, hold())
    world.run(1005)
    world.stalls = []
    world.run(1010.05)
    user.runner.end()
    messages = check(world)
    assert messages["due"] == 100
    assert messages["unanswered_by"] == {ReplyTimeout.name: 1}
    # The last failure before the connection came back gives its name to all that passed until then.
    [(reason, unsent)] = messages["unsent"].items()
    assert reason == Refused.name
    assert 28 <= unsent <= 60
    assert messages["answered"] == 100 - unsent - 1


def test_a_loss_in_the_wait_for_a_slot_keeps_the_grid(world: World):
    user = Played(world, hold(period=1.0))
    world.run(1002.7)
    assert world.recorder.answered == 3
    world.sockets[-1].arrive(b"")
    world.run(1010.2)
    user.runner.end()
    messages = check(world)
    assert messages["due"] == messages["answered"] == 10
    assert world.recorder.dropped == {Closed.name: 1}
    assert world.recorder.reconnects == 1


def test_a_message_without_due_is_due_when_it_is_sent(world: World):
    def closed(user: Played) -> Session:
        yield Connect()
        while True:
            yield Wait(PERIOD)
            yield Request(b"x", name="message", expect=b"x")

    world.stalls = [(1002.0, 1004.0)]
    user = Played(world, closed)
    world.run(1010.0)
    user.runner.end()
    messages = check(world)
    assert (messages["late"], messages["unsent"]) == (0, {})
    assert messages["due"] == messages["sent"] < 82


def test_a_visit_that_is_due_counts_its_connect_in(world: World):
    user = Played(world, visit)
    world.run(1010.2)
    user.runner.end()
    assert check(world)["due"] == 10
    assert world.recorder.connected == world.recorder.closed == 10
    felt = times(world)
    assert min(felt["due"]) >= min(felt["sent"]) + 400


def test_a_visit_that_could_not_connect_is_due_and_unsent(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schedule, "BACKOFF", 0.01)
    world.refuses = lambda now: Refused() if 1003 < now < 1006 else None
    user = Played(world, visit)
    world.run(1010.2)
    user.runner.end()
    messages = check(world)
    assert (messages["due"], messages["unsent"]) == (10, {"refused": 3})


@pytest.mark.parametrize("period", [0.05, 0.3, 1 / 3, 1.7])
def test_nothing_is_missing_whatever_happens(world: World, period: float):
    """Stalls, refusals and timeouts at once: every slot up to the end is sent or has its reason."""
    world.config.reply_timeout = 0.7
    world.stalls = [(1001.0, 1001.5), (1003.0, 1006.0), (1009.0, 1009.2)]
    world.refuses = lambda now: Refused() if 1005 < now < 1006.5 else None
    user = Played(world, hold(period))
    first = schedule.first_slot(1000.0005, period, lambda: 0.5)
    end = 1012.345
    world.run(end)
    user.runner.end()
    assert check(world)["due"] == schedule.missed(first, period, end)


def test_the_stall_of_two_seconds_by_arithmetic(monkeypatch: pytest.MonkeyPatch):
    """100 connections, 10 messages a second each, 20 s, a stall of 2 s: what p99 from due must be."""
    world = World(monkeypatch)
    world.stalls = [(1008.0, 1010.0)]
    phases = iter(number / 100 + 0.005 for number in range(100))
    world.config.random = lambda: next(phases)
    lives = [Played(world, hold()) for _ in range(100)]
    world.run(1020.0)
    for user in lives:
        user.runner.end()
    due = times(world)["due"]
    total = sum(due.values())
    # A slot that falls into the stall s seconds before its end waits for s: 2,000 values spread evenly from 0 to 2 s,
    # of some 20,000. The highest 1 % are 200 of these, so p99 is at 2 s less a tenth.
    [p99, p999] = quantiles(due, (0.99, 0.999))
    assert total == pytest.approx(20_000, abs=100)
    assert p99 == pytest.approx(1800, rel=0.01)
    assert p999 == pytest.approx(1980, rel=0.01)


def test_failures_of_a_step_are_thrown_into_the_session(world: World):
    seen: list[BaseException] = []

    def session(user: Played) -> Session:
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

    def connected(user: Played) -> Session:
        if user.runner.connection is None:
            yield Connect()

    user = Played(world, session)
    world.run(1001.0)
    user.runner.end()
    assert [type(error) for error in seen] == [Closed, ValueError, RuntimeError]
    check(world)


def test_an_interrupt_that_falls_into_a_session_is_not_the_sessions(world: World):
    def session(user: Played) -> Session:
        yield Connect()
        raise KeyboardInterrupt

    user = Played(world, session)
    with pytest.raises(KeyboardInterrupt):
        world.run(1001.0)
    user.runner.end()
    assert user.over
    check(world)


# What waits for the server when stop is asked: looked for at any moment, without a trace.


def ages(user: Played, world: World) -> list[float]:
    found = user.runner.waiting(world.now)
    return [round(age, 3) for age, _ in found.ages] if found else []


def test_behind_a_reply_that_does_not_come_each_slot_waits(world: World):
    world.stalls = [(1002.0, 1e9)]
    user = Played(world, hold())
    world.run(1004.02)
    found = user.runner.waiting(world.now)
    assert found is not None
    # Slots at 1002.05, 1002.15, ... 1003.95: one message in flight and nineteen that could not be sent.
    assert sorted(ages(user, world)) == pytest.approx([0.07 + number / 10 for number in range(20)], abs=0.002)
    assert (found.name, found.owed) == ("message", pytest.approx(1.97, abs=0.002))
    user.runner.end()
    messages = check(world)
    assert len(found.ages) == messages["unanswered"] + messages["unsent"][STOPPED]


def test_what_is_answered_in_time_never_waits(world: World):
    user = Played(world, hold())
    for tick in range(500):
        world.run(1000 + tick * 0.0101)  # often enough to see messages in flight
        assert user.runner.waiting(world.now) is None
    assert world.recorder.answered > 40
    user.runner.end()


@pytest.mark.parametrize("arrived", [b"", b"half a re"])
def test_what_has_come_and_was_not_read_is_not_owed(world: World, arrived: bytes):
    """It is this process that was late, or the end of the connection that it has not seen."""
    world.stalls = [(1002.0, 1e9)]
    user = Played(world, hold())
    world.run(1004.0)
    assert user.runner.waiting(world.now) is not None
    world.sockets[-1].inbound.append(arrived)
    assert user.runner.waiting(world.now) is None
    user.runner.end()


def test_a_slot_that_is_due_while_nothing_is_owed_waits_for_this_process(world: World):
    user = Played(world, hold(period=1.0))
    world.run(1003.2)
    world.now = 1007.0  # the hub stood still
    assert user.runner.waiting(world.now) is None
    user.runner.end()


def test_slots_without_a_connection_wait_for_nothing(world: World):
    """They are unsent by the failure that took it, and that is counted."""
    world.config.reply_timeout = 1.0
    world.stalls = [(1002.0, 1e9)]
    world.refuses = lambda now: Refused() if now > 1002 else None
    user = Played(world, hold())
    world.run(1003.0)
    assert len(ages(user, world)) > 5
    world.run(1005.0)
    assert world.recorder.failures > 0
    assert ages(user, world) == []
    user.runner.end()
    check(world)


def test_after_a_reconnect_only_what_is_due_since_then_waits(world: World):
    world.config.reply_timeout = 1.0
    world.stalls = [(1002.0, 1e9)]
    user = Played(world, hold())
    world.run(1008.02)
    waiting = ages(user, world)
    assert 0 < max(waiting) <= world.now - user.runner.connection.connected_at
    before = sum(world.recorder.unsent.values())
    user.runner.end()
    messages = check(world)
    assert messages["unsent"][STOPPED] + messages["unanswered_by"]["client"] == len(waiting)
    assert sum(messages["unsent"].values()) >= before


def test_a_visit_waits_for_its_connect(world: World):
    user = Played(world, visit)
    world.run(1003.5002)
    world.now = 1006.7  # nobody has accepted it
    found = user.runner.waiting(world.now)
    assert found is not None
    assert (found.name, [(round(age, 1), n) for age, n in found.ages]) == ("", once([3.2, 2.2, 1.2, 0.2]))
    user.runner.end()


def test_without_slots_the_messages_in_flight_wait(world: World):
    def pipelined(user: Played) -> Session:
        yield Connect()
        for number in range(3):
            yield Request(b"%d" % number, name="message", expect=b"%d" % number, inflight=4)
        yield Wait(1000)

    world.stalls = [(1000.0, 1e9)]
    user = Played(world, pipelined)
    world.run(1002.0)
    assert ages(user, world) == pytest.approx([2.0] * 3, abs=0.002)
    user.runner.end()
    check(world)


def test_a_silent_hold_waits_for_nothing(world: World):
    def silent(user: Played) -> Session:
        yield Connect()
        yield Wait(1000)

    user = Played(world, silent)
    world.run(1100.0)
    assert user.runner.waiting(world.now) is None
    user.runner.end()


@pytest.mark.parametrize(("expect", "receives", "waiting"), [(None, False, 0), (None, True, 1), (b"yes", False, 1)])
def test_what_was_sent_without_asking_for_a_reply_waits_only_if_it_is_received(
    world: World, expect: bytes | None, receives: bool, waiting: int
):
    def session(user: Played) -> Session:
        yield Connect()
        yield Send(b"news", name="message", expect=expect)
        yield Receive() if receives else Wait(1000)

    world.stalls = [(1000.0, 1e9)]
    user = Played(world, session)
    world.run(1003.0)
    assert len(ages(user, world)) == waiting
    user.runner.end()
    check(world)
