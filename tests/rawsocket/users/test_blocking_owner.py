"""The waits of a client's calls; what they wait for is tested with the client."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import gevent
import pytest

from rawsocket.errors import Closed, NotConnected
from rawsocket.users.blocking_owner import BlockingOwner


def owner() -> BlockingOwner:
    made = BlockingOwner()
    made._set_up(None, dict, None)
    return made


def test_callback_ends_the_wait_of_a_call():
    made = owner()
    waiting = gevent.spawn(made._wait)
    gevent.sleep(0)
    gevent.get_hub().loop.run_callback(made.on_reply, b"reply")
    assert waiting.get() == b"reply"


def test_callback_before_the_wait_is_kept_for_it():
    made = owner()
    made.on_lost(Closed("early"))
    with pytest.raises(Closed):
        made._wait()


def test_call_before_the_first_connect_says_what_is_missing():
    with pytest.raises(NotConnected, match="connect"):
        owner()._open_connection()
