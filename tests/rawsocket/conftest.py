"""What tests of connections share. Nothing of rawsocket is imported here: Locust has to patch the process first."""

import pytest


@pytest.fixture
def long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes must not depend on the speed of the machine; tests of these times set them."""
    from rawsocket.engine import deadlines, exchange
    from tests.support.running import LONG

    monkeypatch.setattr(deadlines, "SETTLES_AFTER", LONG)
    monkeypatch.setattr(exchange, "GRACE", LONG)
