"""Shared by the server's tests."""

import pytest

import tests.support.random_inputs  # noqa: F401


@pytest.fixture(autouse=True)
def patient_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed log has been written, even on a busy machine."""
    monkeypatch.setattr("server.monitoring.log.CLOSE_SECONDS", 30.0)
