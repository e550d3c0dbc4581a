from rawsocket.engine.exchange.inbox import MAX_PUSHES, Inbox


def any_push(message: bytes) -> bool:
    return True


def test_messages_are_taken_in_the_order_in_which_they_came():
    inbox = Inbox()
    inbox.add_reply(b"reply")
    inbox.add_push(b"push", 2.0)
    assert (len(inbox), inbox.replies) == (2, 1)
    assert inbox.take(any_push) == (b"reply", 0.0)
    assert inbox.take(any_push) == (b"push", 2.0)
    assert inbox.take(any_push) is None


def test_pushes_that_are_not_wanted_are_dropped_and_replies_are_not():
    inbox = Inbox()
    for message in (b"a", b"b"):
        inbox.add_push(message, 1.0)
    inbox.add_reply(b"reply")
    assert inbox.take(lambda message: message == b"b") == (b"b", 1.0)
    assert inbox.take(lambda message: False) == (b"reply", 0.0)


def test_number_of_pushes_is_bounded():
    inbox = Inbox()
    assert all(inbox.add_push(b"x", 1.0) for _ in range(MAX_PUSHES))
    assert not inbox.add_push(b"x", 1.0)
    inbox.take(any_push)
    assert inbox.add_push(b"x", 1.0)
