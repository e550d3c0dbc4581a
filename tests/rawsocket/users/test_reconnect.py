from rawsocket.users.reconnect import BACKOFF_LIMIT, backoff, no_jitter


def test_backoff_doubles_up_to_its_limit_and_is_random_below():
    assert [backoff(failures, lambda: 1) for failures in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff(10**6, lambda: 0.5) == BACKOFF_LIMIT / 2


def test_without_jitter_all_users_wait_for_equally_long():
    assert [backoff(failures, no_jitter) for failures in range(3)] == [0.5, 1, 2]
