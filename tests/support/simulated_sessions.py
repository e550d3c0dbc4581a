"""Sessions of simulated users, and the check of their counts at the end."""

from collections.abc import Callable

from rawsocket.users.session.runner import Session
from rawsocket.users.steps import Close, Connect, Due, Request
from tests.support.simulation import SimulatedUser, Simulation

PERIOD = 0.1


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
