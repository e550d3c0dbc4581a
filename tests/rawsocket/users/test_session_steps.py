import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from types import SimpleNamespace
from typing import Any

import pytest

from rawsocket.errors import Closed
from rawsocket.users.session_steps import NOT_YET, START, Room, close, has_room, not_a_step
from rawsocket.users.steps import Close, Connect, Due, Receive, Request, Send, Step, Wait
from tests.support.simulation import SimulatedUser, Simulation


@pytest.fixture
def runner(simulation: Simulation) -> Any:
    """The runner of a session that has connected and is waiting."""

    def session(user: SimulatedUser) -> Any:
        yield Connect()
        yield Wait(1e6)

    user = SimulatedUser(simulation, session)
    simulation.run(simulation.now + 1)
    return user.runner


def test_each_step_has_a_start_function():
    assert set(START) == set(Step.__args__)


@pytest.mark.parametrize("step", [Request(b"x"), Request(b"x", inflight=2), Send(b"x"), Receive()])
def test_step_without_a_connection_raises_closed(runner: Any, step: Any):
    close(runner, Close())
    with pytest.raises(Closed):
        START[type(step)](runner, step)


def test_a_request_waits_for_its_reply(runner: Any):
    assert START[Request](runner, Request(b"x")) is NOT_YET
    assert runner.connection.in_flight == 1


def test_pipelined_request_waits_only_without_room(runner: Any):
    assert START[Request](runner, Request(b"x", inflight=2)) is None
    assert START[Request](runner, Request(b"y", inflight=2)) is NOT_YET
    assert isinstance(runner.want, Room)
    assert not has_room(runner.connection, 2)


def test_message_after_a_slot_is_due_at_that_slot(runner: Any, simulation: Simulation):
    assert START[Due](runner, Due(1.0)) is NOT_YET
    slot = runner.slot
    simulation.now = slot + 0.25
    assert START[Due](runner, Due(1.0)) is None
    START[Send](runner, Send(b"x"))
    assert runner.connection.exchange.in_flight[0].due == pytest.approx(slot, abs=0.001)
    assert runner.due == 0.0


def test_second_connect_is_an_error(runner: Any):
    with pytest.raises(RuntimeError, match="Close"):
        START[Connect](runner, Connect())


def test_value_that_is_not_a_step_raises_type_error():
    with pytest.raises(TypeError, match="yields steps"):
        not_a_step(SimpleNamespace(), "x")
