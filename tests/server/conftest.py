"""What the server's tests share."""

import pytest


@pytest.fixture(autouse=True)
def patient_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is closed has been written, however busy this machine is."""
    monkeypatch.setattr("server.monitoring.log.CLOSE_SECONDS", 30.0)
