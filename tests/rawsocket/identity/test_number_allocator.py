from typing import Any

from rawsocket.identity.number_allocator import DEAL, NumberAllocator

A, B = "a", "b"


class FakeRunner:
    """A runner that keeps what it sends."""

    def __init__(self, users: int) -> None:
        self.target_user_count = users
        self.sent: list[tuple[str | None, int, list[int]]] = []

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        assert msg_type == DEAL
        self.sent.append((client_id, data["run"], data["numbers"]))


class Bench:
    """An allocator with the live workers a and b."""

    def __init__(self, users: int = 7) -> None:
        self.runner = FakeRunner(users)
        self.live = [A, B]
        self.allocator = NumberAllocator(self.runner, lambda: self.live)

    def message(self, worker: str, want: int = 0, back: tuple[int, ...] = (), run: int = 1) -> None:
        self.allocator.receive(worker, {"run": run, "want": want, "back": list(back)})

    def sent(self) -> list[tuple[str | None, int, list[int]]]:
        sent, self.runner.sent = self.runner.sent, []
        return sent


def test_wanted_numbers_are_dealt_at_once() -> None:
    bench = Bench()
    bench.message(A, want=4)
    bench.message(B, want=3)
    assert bench.sent() == [(A, 1, [0, 1, 2, 3]), (B, 1, [4, 5, 6])]


def test_numbers_move_to_another_worker_when_they_come_back() -> None:
    bench = Bench(users=4)
    bench.message(A, want=4)
    bench.message(B, want=2)
    assert bench.sent() == [(A, 1, [0, 1, 2, 3])]
    bench.message(A, back=(3, 1))
    assert bench.sent() == [(B, 1, [1, 3])]


def test_numbers_of_a_lost_worker_are_dealt_within_a_tick() -> None:
    bench = Bench(users=4)
    bench.message(A, want=2)
    bench.message(B, want=2)
    bench.message(B, want=2)
    bench.sent()
    bench.live.remove(A)
    bench.allocator.deal()
    assert bench.sent() == [(B, 1, [0, 1])]


def test_a_new_run_begins_with_all_numbers() -> None:
    bench = Bench()
    bench.message(A, want=7)
    bench.allocator.begin_run()
    bench.message(B, want=2, run=5)
    assert bench.sent()[1:] == [(B, 5, [0, 1])]


def test_a_worker_wants_nothing_more_for_its_last_run() -> None:
    bench = Bench(users=3)
    bench.message(A, want=5, run=1)
    bench.message(A, want=1, run=2)
    bench.message(A, back=(0,), run=2)
    assert bench.sent() == [(A, 1, [0, 1, 2]), (A, 2, [0])]


def test_what_a_worker_told_late_of_its_last_run_does_not_reach_the_next() -> None:
    bench = Bench()
    bench.message(A, want=3, run=1)
    bench.message(A, want=2, run=2)
    bench.message(A, back=(0, 1), run=1)
    bench.message(B, want=2)
    assert bench.sent() == [(A, 1, [0, 1, 2]), (A, 2, [0, 1]), (B, 1, [2, 3])]
