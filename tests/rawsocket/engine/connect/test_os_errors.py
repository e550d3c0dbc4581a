import errno
import logging

import pytest

from rawsocket.engine.connect import conntrack
from rawsocket.engine.connect.os_errors import SHORTAGES, ConnectErrors, stream_failure
from rawsocket.errors import ConnectTimeout, GeneratorLimit, RawSocketError, Refused, Reset
from rawsocket.verdict import remedies


@pytest.mark.parametrize(
    ("code", "failure", "logged"),
    [
        (errno.ECONNREFUSED, Refused, False),
        *((code, GeneratorLimit, True) for code in SHORTAGES),
        (errno.ENETUNREACH, Refused, True),
        (errno.EHOSTUNREACH, Refused, True),
        (errno.ECONNRESET, Reset, False),
        (errno.ETIMEDOUT, ConnectTimeout, False),
    ],
)
def test_each_errno_maps_to_one_failure(
    code: int, failure: type[RawSocketError], logged: bool, caplog: pytest.LogCaptureFixture
):
    errors = ConnectErrors()
    for _ in range(2):
        error = errors.failure(OSError(code, "as the kernel says"), "connect")
        assert type(error) is failure
        assert "as the kernel says" in error.detail
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * logged


@pytest.mark.parametrize("code", SHORTAGES)
def test_shortage_logs_its_name_and_remedy(code: int, caplog: pytest.LogCaptureFixture):
    ConnectErrors().failure(OSError(code, "as the kernel says"), "socket")
    assert SHORTAGES[code] in caplog.text
    assert "counted as generator-limit" in caplog.text


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (errno.ECONNRESET, Reset),
        (errno.EPIPE, Reset),
        (errno.ETIMEDOUT, Reset),
        (errno.ENOBUFS, GeneratorLimit),
        (errno.ENOMEM, GeneratorLimit),
    ],
)
def test_error_of_an_open_connection_is_a_reset_or_a_shortage(code: int, failure: type[RawSocketError]):
    error = stream_failure(OSError(code, "as the kernel says"), "send")
    assert type(error) is failure
    assert error.detail == f"send: [Errno {code}] as the kernel says"


def test_connect_through_a_full_connection_tracking_table_is_a_shortage_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    looked: list[int] = []

    def full() -> str:
        looked.append(1)
        return "the connection-tracking table is full (100 of 100 entries)"

    monkeypatch.setattr(conntrack, "full", full)
    errors = ConnectErrors()
    for _ in range(3):
        error = errors.timed_out("connect to x: no answer in time")
        assert type(error) is GeneratorLimit
        assert error.detail.endswith("no answer in time: the connection-tracking table is full (100 of 100 entries)")
        assert remedies.shortage(error.detail)[0] == "no entry left in its table of tracked connections"
    assert type(errors.failure(OSError(errno.ETIMEDOUT, "timed out"), "connect")) is GeneratorLimit
    assert len(looked) == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_table_with_room_leaves_a_timeout_what_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(conntrack, "full", lambda: "")
    assert type(ConnectErrors().timed_out("connect: no answer")) is ConnectTimeout
