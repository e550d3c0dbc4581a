"""The sets must not overlap where one decision excludes the other."""

import errno

from server.system.errnos import CAPACITY, NEWCOMER_LOST, PEER_GONE, PEER_LOST, WOULD_BLOCK


def test_each_errno_leads_to_one_decision() -> None:
    assert not CAPACITY & NEWCOMER_LOST
    assert not PEER_GONE & PEER_LOST
    assert not WOULD_BLOCK & (PEER_GONE | PEER_LOST | CAPACITY | NEWCOMER_LOST)


def test_what_accept_2_says_is_in_them() -> None:
    assert {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM} == CAPACITY
    assert {errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN} <= NEWCOMER_LOST
