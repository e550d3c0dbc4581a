"""The sets do not overlap where one decision excludes another."""

import errno

import pytest

from server.system.errnos import (
    ACCEPT_ABORTED,
    OUT_OF_RESOURCES,
    PEER_GONE,
    PEER_LOST,
    WOULD_BLOCK,
    TlsError,
    close_reason,
)


def test_each_errno_leads_to_one_decision() -> None:
    assert not OUT_OF_RESOURCES & ACCEPT_ABORTED
    assert not PEER_GONE & PEER_LOST
    assert not WOULD_BLOCK & (PEER_GONE | PEER_LOST | OUT_OF_RESOURCES | ACCEPT_ABORTED)


def test_the_errors_that_accept_2_names_are_in_the_sets() -> None:
    assert {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM} == OUT_OF_RESOURCES
    assert {errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN} <= ACCEPT_ABORTED


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.EPIPE, "reset"), (errno.ECONNRESET, "reset"), (errno.ETIMEDOUT, "timed-out"), (errno.EIO, "failed")],
)
def test_each_error_has_its_close_reason(number: int, reason: str) -> None:
    assert close_reason(OSError(number, "")) == reason


def test_a_breach_of_tls_has_a_close_reason_of_its_own() -> None:
    assert close_reason(TlsError("BAD_RECORD_MAC")) == "tls"
