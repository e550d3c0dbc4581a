"""The promises are words that a person can read."""

from server.models.base import Promise


def test_each_promise_is_said_once() -> None:
    assert len({promise.value for promise in Promise}) == len(Promise)
