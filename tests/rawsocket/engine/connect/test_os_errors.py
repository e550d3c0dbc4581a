import errno
import logging

import pytest

from rawsocket.engine.connect.os_errors import SHORTAGES, ConnectErrors, stream_failure
from rawsocket.errors import ConnectTimeout, GeneratorLimit, RawSocketError, Refused, Reset


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
