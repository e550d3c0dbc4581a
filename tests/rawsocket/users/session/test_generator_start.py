from typing import Any

import pytest

from rawsocket.measurement.scenario_errors import located
from rawsocket.users.session.generator_start import NotAGenerator, refuse_steps, steps_of


class Scenario:
    def session(self) -> Any:
        yield "a step"

    def delegating(self) -> Any:
        return self.session()

    def nothing(self) -> Any:
        return None

    def raising(self) -> Any:
        raise KeyError("token")


@pytest.mark.parametrize("method", [Scenario().session, Scenario().delegating])
def test_generator_is_returned_as_it_is(method: Any):
    assert list(steps_of(method)) == ["a step"]


def test_method_without_yield_raises_when_it_runs_and_says_where_it_is():
    steps = steps_of(Scenario().nothing)
    with pytest.raises(NotAGenerator, match=r"nothing\(\) must yield steps") as raised:
        next(steps)
    line = Scenario.nothing.__code__.co_firstlineno
    where, library = located(raised.value)
    assert where.endswith(f"test_generator_start.py:{line} in nothing()")
    assert not library


def test_method_that_raises_at_once_raises_when_it_runs():
    steps = steps_of(Scenario().raising)
    with pytest.raises(KeyError):
        next(steps)


def test_method_that_must_not_yield_is_refused():
    scenario = Scenario()
    refuse_steps(scenario.nothing, scenario.nothing())
    with pytest.raises(NotAGenerator, match="must not yield"):
        refuse_steps(scenario.session, scenario.session())
