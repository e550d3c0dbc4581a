import pytest

from rawsocket.identity.pool import Pool

A, B = "a", "b"


def dealt(pool: Pool, worker: str, count: int, limit: int = 100) -> list[int]:
    pool.want(worker, count)
    return pool.deal((A, B), limit).get(worker, [])


def test_workers_get_the_lowest_free_numbers() -> None:
    pool = Pool()
    assert dealt(pool, A, 3) == [0, 1, 2]
    assert dealt(pool, B, 2) == [3, 4]
    pool.give_back(A, [1])
    pool.give_back(B, [3])
    assert dealt(pool, B, 3) == [1, 3, 5]


def test_numbers_at_the_limit_wait_until_others_come_back() -> None:
    pool = Pool()
    assert dealt(pool, A, 3, limit=4) == [0, 1, 2]
    assert dealt(pool, B, 3, limit=4) == [3]
    pool.give_back(A, [2, 0])
    assert pool.deal((A, B), 4) == {B: [0, 2]}
    assert pool.deal((A, B), 4) == {}


def test_numbers_above_a_lowered_limit_are_not_dealt_again() -> None:
    pool = Pool()
    dealt(pool, A, 6)
    pool.give_back(A, [5, 1])
    assert dealt(pool, B, 2, limit=3) == [1]
    assert pool.deal((A, B), 6) == {B: [5]}


def test_numbers_of_a_lost_worker_are_free_again() -> None:
    pool = Pool()
    dealt(pool, A, 3)
    dealt(pool, B, 3)
    pool.drop_others((B,))
    assert dealt(pool, B, 4) == [0, 1, 2, 6]


def test_a_worker_that_is_not_live_gets_nothing() -> None:
    pool = Pool()
    pool.want(A, 2)
    assert pool.deal((B,), 10) == {}
    assert pool.deal((A, B), 10) == {A: [0, 1]}


@pytest.mark.parametrize("worker", [B, "unknown"])
def test_only_the_holder_can_give_a_number_back(worker: str) -> None:
    pool = Pool()
    dealt(pool, A, 2)
    pool.give_back(worker, [0, 1])
    pool.give_back(A, [1, 1, 7])
    assert dealt(pool, B, 2) == [1, 2]
