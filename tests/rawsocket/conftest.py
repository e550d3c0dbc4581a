"""What tests of connections share. Locust patches the process first: also where the tests of one file run alone."""

import locust  # isort: skip  # noqa: F401

from collections.abc import Iterator

import pytest

import tests.support.random_inputs  # noqa: F401


@pytest.fixture
def long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes must not depend on the speed of the machine; tests of these times set them."""
    from rawsocket.engine import deadlines
    from rawsocket.engine.exchange import exchange
    from tests.support.local_run import LONG

    monkeypatch.setattr(deadlines, "SETTLES_AFTER", LONG)
    monkeypatch.setattr(exchange, "GRACE", LONG)


@pytest.fixture
def fresh_recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A new run of the process's recorder and users' numbers, short back-offs, and no connection left at the end."""
    from rawsocket.engine.engine import engine
    from rawsocket.identity.user_numbers import NUMBERS
    from rawsocket.measurement.recorder import RECORDER
    from rawsocket.users import reconnect

    monkeypatch.setattr(reconnect, "BACKOFF", 0.02)
    monkeypatch.setattr(reconnect, "BACKOFF_LIMIT", 0.1)
    assert RECORDER.held == 0
    RECORDER.begin_run()
    NUMBERS.begin_run()
    yield
    NUMBERS.begin_run()
    assert RECORDER.held == 0
    assert engine().reactor.handlers == []
