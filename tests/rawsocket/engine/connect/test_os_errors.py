import errno
import logging

import pytest

from rawsocket.engine.connect.os_errors import HINTS, ConnectErrors
from rawsocket.errors import ConnectTimeout, RawSocketError, Refused, Reset


@pytest.mark.parametrize(
    ("code", "failure", "logged"),
    [
        (errno.ECONNREFUSED, Refused, False),
        (errno.EADDRNOTAVAIL, Refused, True),
        (errno.EMFILE, Refused, True),
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


@pytest.mark.parametrize("code", HINTS)
def test_local_resource_error_logs_its_remedy(code: int, caplog: pytest.LogCaptureFixture):
    ConnectErrors().failure(OSError(code, "as the kernel says"), "socket")
    assert HINTS[code] in caplog.text
