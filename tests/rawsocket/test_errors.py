import pickle

from rawsocket.errors import CONNECT_FAILURES, FAILURES, NAMES, WRONG_REPLIES, Reset
from tests.support.pinned import FAILURES as PINNED


def test_failure_names_are_pinned():
    assert list(NAMES) == list(PINNED)


def test_text_of_a_failure_is_its_name():
    for failure in FAILURES:
        assert str(failure("seen this time")) == repr(failure("seen this time")) == failure.name
        assert failure("seen this time").detail == "seen this time"


def test_groups_of_failures_have_pinned_names():
    assert CONNECT_FAILURES == ("refused", "connect-timeout", "server-full", "tls", "generator-limit")
    assert WRONG_REPLIES == ("short", "too-long", "wrong")


def test_failure_survives_pickling():
    copy = pickle.loads(pickle.dumps(Reset("by peer")))
    assert (type(copy), copy.detail, str(copy)) == (Reset, "by peer", "reset")
